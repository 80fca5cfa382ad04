import { isAbsolute, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toError } from '../../core/error-record.ts';
import { asBootError, BootError, show } from '../../core/errors.ts';
import type { PluginSource } from '../../core/events.ts';
import { mapFolder, type MigrationSource } from '../../core/migration-source.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { Plugin } from '../../core/plugin.ts';
import { listNames } from '../../core/printable.ts';
import { readable, readPlugin } from '../../core/read-plugin.ts';
import { isRecord } from '../../core/foreign-value.ts';
import { whileWatched } from '../around/exit-watch.ts';
import type { PluginPackage } from './find-packages.ts';
import { findEntry } from './package-entry.ts';
import type { PackageFiles } from './package-files.ts';

/** A plugin of a package. */
export interface LoadedPlugin {
  /** With the package's version, and with absolute folders of migrations. */
  readonly plugin: Plugin;
  /** The exported object itself. Two packages that export one object have one plugin. */
  readonly exported: unknown;
  readonly source: PluginSource;
}

export interface LoadParts {
  readonly files: PackageFiles;
  readonly importModule: (url: string) => Promise<unknown>;
}

/**
 * Imports a package, once, and returns its plugins: its default export, one or an array.
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
      throw await notImported(found, entry, toError(thrown), files);
    },
  );
  return inPlace(found, entry, () => takePlugins(loaded, found, entry));
}

async function notImported(
  found: PluginPackage,
  entry: string,
  cause: NodeJS.ErrnoException,
  files: PackageFiles,
): Promise<BootError> {
  const [reason] = cause.message.split('\n');
  return new BootError(
    'PLUGIN_NOT_LOADED',
    `${found.name} cannot be loaded from ${entry}: ${reason}`,
    { phase: 'discover', hint: await hintFor(found, entry, cause, files), cause },
  );
}

async function hintFor(
  { name, folder }: PluginPackage,
  entry: string,
  { code, message }: NodeJS.ErrnoException,
  files: PackageFiles,
): Promise<string | undefined> {
  if (!(await files.isFile(entry))) {
    return `Build ${name} first, or correct its package.json: there is no ${relative(folder, entry)} in ${folder}.`;
  }
  if (/\.[cm]?tsx?$/.test(entry) || code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return `Build ${name} and let its package.json name the JavaScript, or start Node with a loader for TypeScript.`;
  }
  const [, missing] = /^Cannot find package '([^']+)'/.exec(message) ?? [];
  if (missing === undefined) return undefined;
  return `Install ${missing}, and list it in the dependencies of ${name} (${join(folder, 'package.json')}).`;
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
  return isRecord(value) ? value[key] : undefined;
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

/** Makes a folder of migrations that is relative to a package absolute. Anything else is left to the check. */
export function inPackage(source: MigrationSource, folder: string): MigrationSource {
  return mapFolder(source, (given: unknown) =>
    typeof given === 'string' && !isAbsolute(given) && !given.startsWith('file:')
      ? join(folder, given)
      : (given as string | URL),
  );
}

/** Adds to an error in which package and module the plugin is wrong. */
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
