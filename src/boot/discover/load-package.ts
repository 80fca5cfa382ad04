import { isAbsolute, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toError } from '../../core/error-record.ts';
import { asBootError, BootError, show } from '../../core/errors.ts';
import type { PluginSource } from '../../core/events.ts';
import { isRecord } from '../../core/foreign-value.ts';
import { mapFolders, type MigrationSource } from '../../core/migration-source.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { Plugin } from '../../core/plugin.ts';
import { listNames } from '../../core/printable.ts';
import { readable, readPlugin } from '../../core/read-plugin.ts';
import { whileWatched } from '../around/exit-watch.ts';
import { findEntry } from './package-entry.ts';
import { isFile, notLoaded, type Package } from './package-files.ts';

/** A plugin and, when it was discovered, where. */
export interface KnownPlugin {
  /** Of a package: with its version, and with absolute folders of migrations. */
  readonly plugin: Plugin;
  readonly source?: PluginSource;
}

/**
 * Imports a package, once, and returns its plugins: its default export, one or an array.
 *
 * @returns Each plugin by the exported object itself. Two packages that export one object have one plugin.
 * @throws BootError `PLUGIN_NOT_LOADED` with the import's own error as `cause`, or `PLUGIN_INVALID`
 */
export async function loadPackage(
  found: Package,
  importModule: (url: string) => Promise<unknown>,
): Promise<ReadonlyMap<unknown, KnownPlugin>> {
  const entry = await findEntry(found);
  const importing = `the import of ${found.name} from ${entry}`;
  const loaded = await whileWatched(importing, () => importModule(pathToFileURL(entry).href)).catch(
    async (thrown: unknown) => {
      throw await notImported(found, entry, toError(thrown));
    },
  );
  try {
    return readable('the plugin', undefined, () => takePlugins(loaded, found, entry));
  } catch (thrown) {
    const error = asBootError(thrown);
    if (!error || error.phase === 'discover') throw thrown;
    const { code, message, hint, cause } = error;
    const where = `In ${found.name} (${entry}): ${message}`;
    throw new BootError(code, where, { phase: 'discover', hint, cause });
  }
}

async function notImported(
  { name, folder }: Package,
  entry: string,
  cause: NodeJS.ErrnoException,
): Promise<BootError> {
  const [reason] = cause.message.split('\n');
  const [, missing] = /^Cannot find package '([^']+)'/.exec(cause.message) ?? [];
  let hint: string | undefined;
  if (!(await isFile(entry))) {
    hint = `Build ${name} first, or correct its package.json: there is no ${relative(folder, entry)} in ${folder}.`;
  } else if (/\.[cm]?tsx?$/.test(entry) || cause.code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    hint = `Build ${name} and let its package.json name the JavaScript, or start Node with a loader for TypeScript.`;
  } else if (missing !== undefined) {
    hint = `Install ${missing}, and list it in the dependencies of ${name} (${join(folder, 'package.json')}).`;
  }
  return notLoaded(`${name} cannot be loaded from ${entry}: ${reason}`, hint, cause);
}

function takePlugins(
  loaded: unknown,
  found: Package,
  entry: string,
): ReadonlyMap<unknown, KnownPlugin> {
  const exported = readDefaultExport(loaded);
  const plugins: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  const source = { package: found.name, path: found.folder };
  return new Map(
    plugins.map((each) => {
      if (hasId(each)) return [each, { plugin: complete(each, found), source }];
      const got = describeExport(exported, loaded);
      const message = `Expected the default export of ${found.name} (${entry}) to be a plugin or an array of plugins, got ${got}`;
      throw new BootError('PLUGIN_INVALID', message, {
        phase: 'discover',
        hint: 'Write `export default definePlugin({ … })`, or name another module as "entry" in package.json.',
      });
    }),
  );
}

/** TypeScript's CommonJS has its default export one level deeper. */
function readDefaultExport(loaded: unknown): unknown {
  const outer = readKey(loaded, 'default');
  return readKey(outer, '__esModule') === true ? readKey(outer, 'default') : outer;
}

function readKey(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function hasId(value: unknown): value is Plugin {
  return typeof readKey(value, 'id') === 'string';
}

function describeExport(exported: unknown, loaded: unknown): string {
  if (Array.isArray(exported)) {
    const index = exported.findIndex((each) => !hasId(each));
    return `${show(exported)}, whose item ${index} is ${show(exported[index])}`;
  }
  if (exported !== undefined) return show(exported);
  const others = Object.keys(Object(loaded)).filter((key) => key !== 'default');
  return others.length > 0 ? `none, only ${listNames(others)}` : 'none';
}

/** Checks a plugin and fills in what its package knows. */
function complete(exported: Plugin, found: Package): Plugin {
  const plugin = readPlugin(exported, exported.id);
  const { migrations, version = found.version } = plugin;
  const completed = {
    ...plugin,
    ...(version === undefined ? {} : { version }),
    ...(migrations === undefined ? {} : { migrations: inPackage(migrations, found.folder) }),
  };
  return checkPlugin(Object.freeze(completed), plugin.id);
}

/** Makes a folder of migrations that is relative to a package absolute. Anything else is left to the check. */
export function inPackage(source: MigrationSource, folder: string): MigrationSource {
  return mapFolders(source, (given: unknown) =>
    typeof given === 'string' && !isAbsolute(given) && !given.startsWith('file:')
      ? join(folder, given)
      : (given as string | URL),
  );
}
