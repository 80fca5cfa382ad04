import { join, posix } from 'node:path';
import { toError } from '../../core/error-record.ts';
import type { BootError } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import { listFolders, notLoaded, readFields, readFileText, type Package } from './package-files.ts';

/**
 * Finds the workspaces of a package, by `workspaces` in its package.json (a list or `{ packages }`) and by `packages` in
 * the pnpm-workspace.yaml beside it.
 *
 * @returns The absolute paths of their folders, which may be links.
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findWorkspaces({ folder, json }: Package): Promise<readonly string[]> {
  const { workspaces } = json;
  const given = isRecord(workspaces) ? workspaces['packages'] : workspaces;
  const npm = checkPatterns('workspaces', given, join(folder, 'package.json'));
  const pnpmFile = join(folder, 'pnpm-workspace.yaml');
  const text = await readFileText(pnpmFile);
  const pnpm = text === undefined ? [] : await readPnpmPatterns(text, pnpmFile);
  // Each list is on its own: a `!` in one takes nothing away from the other.
  const found = [await findWorkspaceFolders(folder, npm), await findWorkspaceFolders(folder, pnpm)];
  return found.flat();
}

/**
 * Reads the list `packages` of a pnpm-workspace.yaml.
 *
 * @returns The patterns; none when there is no list.
 * @example await readPnpmPatterns("packages:\n  - 'plugins/*'\n", 'pnpm-workspace.yaml') // ['plugins/*']
 */
export async function readPnpmPatterns(text: string, file: string): Promise<readonly string[]> {
  // Imported here, as the globs are below: a host without workspaces does not pay for them.
  const { load } = await import('js-yaml');
  let yaml: unknown;
  try {
    yaml = load(text);
  } catch (thrown) {
    const [reason] = toError(thrown).message.split('\n');
    const why = `"packages" has to be a list of patterns; not understood: ${reason}`;
    throw refuse(file, why, thrown);
  }
  return checkPatterns('packages', readFields(yaml)['packages'], file);
}

function checkPatterns(field: string, given: unknown, file: string): readonly string[] {
  const patterns = given ?? [];
  if (!Array.isArray(patterns) || !patterns.every((each) => typeof each === 'string')) {
    throw refuse(file, `"${field}" has to be a list of patterns`);
  }
  // A pattern that silently matched nothing would be a plugin that silently does not start.
  const unknown = patterns.find((pattern) => /[?*+@!]\(|^!!/.test(pattern));
  if (unknown === undefined) return patterns;
  throw refuse(file, `the pattern ${unknown} is not supported`);
}

function refuse(file: string, why: string, cause?: unknown): BootError {
  const hint = 'List folders, or patterns with *, **, ?, [ab] and {a,b}; a ! in front excludes.';
  return notLoaded(`The workspaces in ${file}: ${why}`, hint, cause);
}

const ignored = new Set(['node_modules', 'bower_components']);

/**
 * Finds the folders that workspace patterns match, never in node_modules. A `!` takes away what it matches, unless a later
 * pattern names it again (npm's rule).
 *
 * @returns Absolute paths. A folder that a pattern names without a wildcard need not exist.
 */
export async function findWorkspaceFolders(
  root: string,
  patterns: readonly string[],
): Promise<readonly string[]> {
  if (patterns.length === 0) return [];
  const { default: picomatch } = await import('picomatch');
  const createMatcher = (glob: string | string[]) => picomatch(glob, { posix: true });

  const found = new Set<string>();
  const walk = async (at: string, [first, ...rest]: readonly string[]): Promise<void> => {
    if (first === undefined) {
      found.add(at);
    } else if (!/[*?[]/.test(first)) {
      await walk(posix.join(at, first), rest);
    } else {
      if (first === '**') await walk(at, rest);
      const isMatch = createMatcher(first);
      for (const entry of await listFolders(join(root, at))) {
        // A link may lead back up, and `**` would follow it for ever.
        const isLoop = first === '**' && entry.isSymbolicLink();
        if (ignored.has(entry.name) || isLoop || !isMatch(entry.name)) continue;
        await walk(posix.join(at, entry.name), first === '**' ? [first, ...rest] : rest);
      }
    }
  };

  let unwanted: string[] = [];
  for (const pattern of patterns.flatMap(spreadBraces)) {
    // To npm, `./apps/*`, `/apps/*` and `apps\*` are one pattern.
    const segments = pattern.split(/^!|[\\/]/).filter((each) => each !== '' && each !== '.');
    const path = segments.join('/');
    if (pattern.startsWith('!')) {
      unwanted.push(path);
    } else {
      unwanted = unwanted.filter((taken) => !createMatcher(taken)(path));
      await walk('', segments);
    }
  }
  const isUnwanted = createMatcher(unwanted);
  return [...found].filter((at) => !isUnwanted(at)).map((at) => join(root, at));
}

/** Makes `{a,b}/*` into `a/*` and `b/*`. The innermost braces come first. */
function spreadBraces(pattern: string): readonly string[] {
  const [braces, inside] = /\{([^{}]*)\}/.exec(pattern) ?? [];
  if (braces === undefined || inside === undefined) return [pattern];
  return inside.split(',').flatMap((choice) => spreadBraces(pattern.replace(braces, () => choice)));
}
