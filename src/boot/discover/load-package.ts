import { pathToFileURL } from 'node:url';
import { asBootError, BootError, show } from '../../core/errors.ts';
import type { PluginSource } from '../../core/events.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { Plugin } from '../../core/plugin.ts';
import { listNames } from '../../core/printable.ts';
import { readable, readPlugin } from '../../core/read-plugin.ts';
import { whileWatched } from '../around/exit-watch.ts';
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
  const importing = `the import of ${found.name} from ${entry}`;
  const loaded = await whileWatched(importing, () => importModule(pathToFileURL(entry).href)).catch(
    async (thrown: unknown) => {
      throw await describeImportFailure(found, entry, thrown, files);
    },
  );
  return inPlace(found, entry, () => takePlugins(loaded, found, entry));
}

function takePlugins(
  loaded: unknown,
  found: PluginPackage,
  entry: string,
): readonly LoadedPlugin[] {
  const exported = defaultExport(loaded);
  const plugins: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  return plugins.map((each) => {
    if (!hasId(each)) throw noPlugin(found, entry, gotInstead(exported, loaded));
    return {
      plugin: complete(each, found),
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
  return others.length > 0 ? `none, only ${listNames(others)}` : 'none';
}

/** Checks a plugin and fills in what its package knows. */
function complete(exported: Plugin, found: PluginPackage): Plugin {
  const plugin = readPlugin(exported, exported.id);
  const { migrations, version = found.version } = plugin;
  return checkPlugin(
    Object.freeze({
      ...plugin,
      ...(version === undefined ? {} : { version }),
      ...(migrations === undefined ? {} : { migrations: inPackage(migrations, found.folder) }),
    }),
    plugin.id,
  );
}

/** Says in which package and module a plugin is wrong. */
function inPlace<T>({ name }: PluginPackage, entry: string, take: () => T): T {
  try {
    return readable('the plugin', undefined, take);
  } catch (thrown) {
    const error = asBootError(thrown);
    if (!error || error.phase === 'discover') throw thrown;
    const { code, message, hint, cause } = error;
    const where = `In ${name} (${entry}): ${message}`;
    throw new BootError(code, where, { phase: 'discover', hint, cause });
  }
}
