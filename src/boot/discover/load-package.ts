import { pathToFileURL } from 'node:url';
import { BootError, show } from '../../core/errors.ts';
import type { PluginSource } from '../../core/events.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { PluginPackage } from './find-packages.ts';
import { describeImportFailure } from './import-failure.ts';
import { inPackage } from './in-package.ts';
import { findEntry } from './package-entry.ts';
import type { PackageFiles } from './package-files.ts';

/** A plugin of a package. */
export interface LoadedPlugin {
  /** Complete: with the package's version, and migrations that do not depend on a folder. */
  readonly plugin: Plugin;
  /** What the package exports, by which it is known again. */
  readonly exported: unknown;
  readonly source: PluginSource;
}

export interface LoadParts {
  readonly files: PackageFiles;
  readonly importModule: (url: string) => Promise<unknown>;
}

/**
 * Imports a package, once, and takes its plugins: its default export, one or an array.
 *
 * @throws BootError `PLUGIN_NOT_LOADED` with the import's own error as `cause`, or `PLUGIN_INVALID`
 */
export async function loadPackage(
  found: PluginPackage,
  { files, importModule }: LoadParts,
): Promise<readonly LoadedPlugin[]> {
  const entry = await findEntry(found, files);
  const loaded = await importModule(pathToFileURL(entry).href).catch(async (thrown: unknown) => {
    throw await describeImportFailure(found, entry, thrown, files);
  });
  const exported = defaultExport(loaded);
  const plugins: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  return plugins.map((each) => {
    if (!hasId(each)) throw noPlugin(found, entry, gotInstead(exported, loaded));
    return {
      plugin: complete(each, found, entry),
      exported: each,
      source: { package: found.name, path: found.folder },
    };
  });
}

/** TypeScript's CommonJS has its default export one level deeper. */
function defaultExport(loaded: unknown): unknown {
  const outer = propertyOf(loaded, 'default');
  return propertyOf(outer, '__esModule') === true ? propertyOf(outer, 'default') : outer;
}

function propertyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function hasId(value: unknown): value is Plugin {
  return typeof propertyOf(value, 'id') === 'string';
}

function noPlugin({ name }: PluginPackage, entry: string, got: string): BootError {
  return new BootError(
    'PLUGIN_INVALID',
    `Expected the default export of ${name} (${entry}) to be a plugin or an array of plugins, got ${got}`,
    {
      phase: 'discover',
      hint: 'Write `export default definePlugin({ … })`, or name another module as "entry" in package.json.',
    },
  );
}

function gotInstead(exported: unknown, loaded: unknown): string {
  if (Array.isArray(exported)) {
    const index = exported.findIndex((each) => !hasId(each));
    return `${show(exported)}, whose item ${index} is ${show(exported[index])}`;
  }
  if (exported !== undefined) return show(exported);
  const others = Object.keys(Object(loaded)).filter((key) => key !== 'default');
  return others.length > 0 ? `none, only ${others.join(', ')}` : 'none';
}

/** Checks a plugin and fills in what its package knows. */
function complete(plugin: Plugin, found: PluginPackage, entry: string): Plugin {
  const { migrations, version = found.version } = plugin;
  const facts = {
    ...(version === undefined ? {} : { version }),
    ...(migrations === undefined ? {} : { migrations: inPackage(migrations, found.folder) }),
  };
  // A copy of the same kind: a plugin may be an instance whose init is in its class.
  const copy: object = Object.create(Object.getPrototypeOf(plugin) as object | null);
  const completed: unknown = Object.freeze(Object.assign(copy, plugin, facts));
  try {
    return checkPlugin(completed, plugin.id);
  } catch (thrown) {
    if (!(thrown instanceof BootError)) throw thrown;
    const { code, message, hint } = thrown;
    throw new BootError(code, `In ${found.name} (${entry}): ${message}`, {
      phase: 'discover',
      hint,
    });
  }
}
