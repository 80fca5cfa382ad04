import { isAbsolute, join, sep } from 'node:path';
import { BootError, show } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import type { PluginPackage } from './find-packages.ts';
import type { PackageFiles } from './package-files.ts';

/**
 * Finds the module that `import` of the package would load: the marker's `entry`, or what `exports` or `main` name, by
 * Node's rules (https://nodejs.org/api/esm.html#resolution-algorithm). Node itself cannot be asked: `require.resolve` has
 * other conditions, and a workspace that no package depends on is in no node_modules.
 *
 * @returns An absolute path. The file may be missing.
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findEntry(found: PluginPackage, files: PackageFiles): Promise<string> {
  const { marker, json, name } = found;
  if (typeof marker['entry'] === 'string') return inside(found, 'entry', marker['entry']);
  if (marker['entry'] !== undefined) {
    throw noEntry(found, `its entry is ${show(marker['entry'])}, not a path`);
  }
  const { exports } = json;
  if (exports === undefined || exports === null) {
    return inside(found, 'main', await findMain(found, files));
  }
  const conditions = readConditions();
  const target = pickTarget(mainExport(exports), new Set(conditions));
  if (target !== undefined) return inside(found, 'exports', target);
  throw noEntry(found, `the exports have no "." of ${name} for ${conditions.join(', ')}`);
}

/** A package is a plugin by its own files: a file elsewhere may belong to another version. */
function inside(found: PluginPackage, field: string, path: string): string {
  const entry = join(found.folder, path);
  if (!isAbsolute(path) && entry.startsWith(join(found.folder, sep))) return entry;
  throw noEntry(found, `its ${field} is ${show(path)}, which is outside of the package`);
}

function noEntry({ name, folder }: PluginPackage, why: string): BootError {
  const file = join(folder, 'package.json');
  return new BootError('PLUGIN_NOT_LOADED', `${name} has no entry: ${why} (${file})`, {
    phase: 'discover',
    hint: `Add "." to exports, or name the module as "entry" beside "type": "./dist/plugin.js".`,
  });
}

/** The value of `"."`. A list, a text or conditions stand for it. */
function mainExport(exports: unknown): unknown {
  if (!isRecord(exports) || !Object.keys(exports).some((key) => key.startsWith('.')))
    return exports;
  return exports['.'];
}

/** Picks the first target under the conditions that leads to a path. */
function pickTarget(target: unknown, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === 'string') return target.startsWith('./') ? target : undefined;
  if (!Array.isArray(target) && !isRecord(target)) return undefined;
  // A condition without such a path gives way to the next one, which the package resolve.exports does not do.
  return Object.entries(target)
    .filter(([condition]) => Array.isArray(target) || conditions.has(condition))
    .map(([, choice]: [string, unknown]) => pickTarget(choice, conditions))
    .find((found) => found !== undefined);
}

/** The conditions of this process. With others, the host's own import and discovery would load two copies of a package. */
function readConditions(): readonly string[] {
  const given = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  const own = given.flatMap((word, index) => {
    if (word === '-C' || word === '--conditions') return given[index + 1] ?? [];
    return word.startsWith('--conditions=') ? word.slice('--conditions='.length) : [];
  });
  const sync = 'require_module' in process.features ? ['module-sync'] : [];
  return [...own, 'node', 'import', ...sync, 'node-addons', 'default'];
}

async function findMain({ json, folder }: PluginPackage, files: PackageFiles): Promise<string> {
  const { main } = json;
  const named = typeof main === 'string' ? [main, `${main}.js`, join(main, 'index.js')] : [];
  for (const candidate of [...named, 'index.js']) {
    if (await files.isFile(join(folder, candidate))) return candidate;
  }
  return named[0] ?? 'index.js';
}
