import { join, posix } from 'node:path';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import type { PackageFiles } from './package-files.ts';
import { fieldsIn, type Package } from './package-json.ts';

/**
 * Finds the workspaces of a package, by `workspaces` in its package.json (a list or `{ packages }`) and by `packages` in
 * the pnpm-workspace.yaml beside it.
 *
 * @returns The absolute paths of their folders, which may be links.
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findWorkspaces(
  { folder, json }: Package,
  files: PackageFiles,
): Promise<readonly string[]> {
  const pnpmFile = join(folder, 'pnpm-workspace.yaml');
  const pnpmText = await files.read(pnpmFile);
  const npm = readNpmPatterns(json, join(folder, 'package.json'));
  const pnpm = pnpmText === undefined ? [] : await readPnpmPatterns(pnpmText, pnpmFile);
  // Each list is on its own: a `!` in one takes nothing away from the other.
  return [
    ...(await findWorkspaceFolders(folder, npm, files)),
    ...(await findWorkspaceFolders(folder, pnpm, files)),
  ];
}

function readNpmPatterns({ workspaces }: Package['json'], file: string): readonly string[] {
  const isObject = fieldsIn(workspaces) === workspaces;
  return checkPatterns(
    'workspaces',
    isObject ? fieldsIn(workspaces)['packages'] : workspaces,
    file,
  );
}

/**
 * Reads the list `packages` of a pnpm-workspace.yaml.
 *
 * @returns The patterns; none when there is no list.
 * @example await readPnpmPatterns("packages:\n  - 'plugins/*'\n", 'pnpm-workspace.yaml') // ['plugins/*']
 */
export async function readPnpmPatterns(text: string, file: string): Promise<readonly string[]> {
  const { packages } = fieldsIn(await parseYaml(text, file));
  return checkPatterns('packages', packages, file);
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  // Imported here, as the globs are below: a host without workspaces does not pay for them.
  const { load } = await import('js-yaml');
  try {
    return load(text);
  } catch (thrown) {
    const [reason] = toError(thrown).message.split('\n');
    throw refuse(
      file,
      `"packages" has to be a list of patterns; not understood: ${reason}`,
      thrown,
    );
  }
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
  return new BootError('PLUGIN_NOT_LOADED', `The workspaces in ${file}: ${why}`, {
    phase: 'discover',
    hint: 'List folders, or patterns with *, **, ?, [ab] and {a,b}; a ! in front excludes.',
    cause,
  });
}

type Segments = readonly string[];
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
  files: PackageFiles,
): Promise<readonly string[]> {
  if (patterns.length === 0) return [];
  const { default: picomatch } = await import('picomatch');
  const matcher = (glob: string | string[]) => picomatch(glob, { posix: true });

  const wanted: Segments[] = [];
  let unwanted: readonly string[] = [];
  for (const pattern of patterns.flatMap(spreadBraces)) {
    const segments = splitPath(pattern.replace(/^!/, ''));
    const path = segments.join('/');
    if (pattern.startsWith('!')) {
      unwanted = [...unwanted, path];
    } else {
      unwanted = unwanted.filter((taken) => !matcher(taken)(path));
      wanted.push(segments);
    }
  }

  const found = new Set<string>();
  const walk = async (at: string, [first, ...rest]: Segments): Promise<void> => {
    if (first === undefined) {
      found.add(at);
      return;
    }
    if (!/[*?[]/.test(first)) {
      await walk(posix.join(at, first), rest);
      return;
    }
    if (first === '**') await walk(at, rest);
    const isMatch = matcher(first);
    for (const { name, isLink } of await files.subfolders(join(root, at))) {
      // A link may lead back up, and `**` would follow it for ever.
      if (ignored.has(name) || (isLink && first === '**') || !isMatch(name)) continue;
      await walk(posix.join(at, name), first === '**' ? [first, ...rest] : rest);
    }
  };
  for (const segments of wanted) await walk('', segments);
  const isUnwanted = matcher([...unwanted]);
  return [...found].filter((at) => !isUnwanted(at)).map((at) => join(root, at));
}

/** Splits `./apps/*`, `/apps/*` or `apps\*`, which to npm are one pattern. */
function splitPath(pattern: string): Segments {
  return pattern.split(/[\\/]/).filter((segment) => segment !== '' && segment !== '.');
}

/** Makes `{a,b}/*` into `a/*` and `b/*`. The innermost braces come first. */
function spreadBraces(pattern: string): readonly string[] {
  const [braces, inside] = /\{([^{}]*)\}/.exec(pattern) ?? [];
  if (braces === undefined || inside === undefined) return [pattern];
  return inside.split(',').flatMap((choice) => spreadBraces(pattern.replace(braces, () => choice)));
}
