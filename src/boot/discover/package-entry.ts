import { isAbsolute, join, sep } from 'node:path';
import { show, type BootError } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import { isFile, notLoaded, type Package } from './package-files.ts';

/**
 * Finds the module that `import` of the package would load: the marker's `entry`, or what `exports` or `main` name, by
 * Node's rules (https://nodejs.org/api/esm.html#resolution-algorithm). Node itself cannot be asked: `require.resolve` has
 * other conditions, and a workspace that no package depends on is in no node_modules.
 *
 * @returns An absolute path. The file may be missing.
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findEntry(found: Package): Promise<string> {
  const { entry } = found.marker;
  const { exports } = found.json;
  if (typeof entry === 'string') return inside(found, 'entry', entry);
  if (entry !== undefined) throw noEntry(found, `its entry is ${show(entry)}, not a path`);
  if (exports === undefined || exports === null) {
    return inside(found, 'main', await findMain(found));
  }
  const conditions = readConditions();
  const target = pickTarget(pickMainExport(exports), new Set(conditions));
  if (target !== undefined) return inside(found, 'exports', target);
  throw noEntry(found, `the exports have no "." of ${found.name} for ${conditions.join(', ')}`);
}

/** A package is a plugin by its own files: a file elsewhere may belong to another version. */
function inside(found: Package, field: string, path: string): string {
  const entry = join(found.folder, path);
  if (!isAbsolute(path) && entry.startsWith(join(found.folder, sep))) return entry;
  throw noEntry(found, `its ${field} is ${show(path)}, which is outside of the package`);
}

function noEntry({ name, folder }: Package, why: string): BootError {
  return notLoaded(
    `${name} has no entry: ${why} (${join(folder, 'package.json')})`,
    `Add "." to exports, or name the module as "entry" beside "type": "./dist/plugin.js".`,
  );
}

/** Picks the value of `"."`. A list, a text or conditions stand for it. */
function pickMainExport(exports: unknown): unknown {
  const hasPaths = isRecord(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  return hasPaths ? exports['.'] : exports;
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

async function findMain({ json: { main }, folder }: Package): Promise<string> {
  const named = typeof main === 'string' ? [main, `${main}.js`, join(main, 'index.js')] : [];
  for (const candidate of [...named, 'index.js']) {
    if (await isFile(join(folder, candidate))) return candidate;
  }
  return named[0] ?? 'index.js';
}
