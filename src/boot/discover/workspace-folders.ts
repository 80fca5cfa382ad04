import { join } from 'node:path';
import { oncePerPath } from './once-per-path.ts';
import type { PackageFiles } from './package-files.ts';

type Segments = readonly string[];

/**
 * Finds the folders that workspace patterns mean, as npm, pnpm and Yarn do: `*`, `**`, `?`, `[ab]` and `{a,b}`, never in
 * node_modules, and `!` takes away, unless a later pattern names what it took (npm's rule).
 *
 * @returns Absolute paths; whether a package is in them is not known yet.
 * @throws Error naming a pattern of another kind.
 */
export async function findWorkspaceFolders(
  root: string,
  patterns: readonly string[],
  files: PackageFiles,
): Promise<readonly string[]> {
  const { wanted, unwanted } = sortPatterns(patterns);
  const subfolders = oncePerPath((path) => files.subfolders(path));
  const found = new Map<string, Segments>();
  const walk = async (at: Segments, [first, ...rest]: Segments): Promise<void> => {
    if (first === undefined) {
      found.set(join(root, ...at), at);
      return;
    }
    if (first !== '**' && !isMagic(first)) {
      await walk([...at, first], rest);
      return;
    }
    if (first === '**') await walk(at, rest);
    const step = first === '**' ? anyName : nameLike(first);
    for (const { name, isLink } of await subfolders(join(root, ...at))) {
      // A link may lead back up; `**` would follow it for ever.
      if (ignored.has(name) || (isLink && first === '**') || !step.test(name)) continue;
      await walk([...at, name], first === '**' ? [first, ...rest] : rest);
    }
  };
  for (const pattern of wanted) await walk([], pattern);
  return [...found]
    .filter(([, at]) => !unwanted.some((pattern) => matches(pattern, at)))
    .map(([folder]) => folder);
}

const ignored = new Set(['node_modules', 'bower_components']);
const anyName = /^[^.]/;

function sortPatterns(patterns: readonly string[]): {
  readonly wanted: readonly Segments[];
  readonly unwanted: readonly Segments[];
} {
  const wanted: Segments[] = [];
  let unwanted: readonly Segments[] = [];
  for (const pattern of patterns.flatMap(spreadBraces)) {
    refuseUnknownKinds(pattern);
    const segments = segmentsOf(pattern.replace(/^!/, ''));
    if (pattern.startsWith('!')) {
      unwanted = [...unwanted, segments];
    } else {
      unwanted = unwanted.filter((taken) => !matches(taken, segments));
      wanted.push(segments);
    }
  }
  return { wanted, unwanted };
}

/** A pattern that silently matched nothing would be a plugin that silently does not start. */
function refuseUnknownKinds(pattern: string): void {
  if (!/[?*+@!]\(|^!!/.test(pattern)) return;
  throw new Error(`the pattern ${pattern} is not supported`);
}

function segmentsOf(pattern: string): Segments {
  return pattern.split(/[\\/]/).filter((segment) => segment !== '' && segment !== '.');
}

/** `{a,b}/*` is `a/*` and `b/*`; the innermost braces come first. */
function spreadBraces(pattern: string): readonly string[] {
  const [braces, inside] = /\{([^{}]*)\}/.exec(pattern) ?? [];
  if (braces === undefined || inside === undefined) return [pattern];
  return inside.split(',').flatMap((choice) => spreadBraces(pattern.replace(braces, () => choice)));
}

function matches([first, ...rest]: Segments, path: Segments): boolean {
  const [name, ...below] = path;
  if (first === undefined) return name === undefined;
  if (first === '**' && matches(rest, path)) return true;
  if (name === undefined) return false;
  return first === '**'
    ? matches([first, ...rest], below)
    : nameLike(first).test(name) && matches(rest, below);
}

function isMagic(segment: string): boolean {
  return /[*?[]/.test(segment);
}

/** What a segment stands for; a leading dot has to be written out. */
function nameLike(segment: string): RegExp {
  const source = segment
    .replaceAll(/[.+^${}()|\\]/g, String.raw`\$&`)
    .replaceAll('[!', '[^')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${/^[*?[]/.test(segment) ? '(?!\\.)' : ''}${source}$`);
}
