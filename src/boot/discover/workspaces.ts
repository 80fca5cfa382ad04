import { readdir, type Dirent } from 'node:fs';
import { dirname, join } from 'node:path';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import { isAbsent, unreadable, type PackageFiles } from './package-files.ts';
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
    ...(await findWorkspaceFolders(folder, npm)),
    ...(await findWorkspaceFolders(folder, pnpm)),
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
  const { parseDocument } = await import('yaml');
  try {
    // Not strict, as pnpm is not: a list may end with a `]` at the start of a line.
    const document = parseDocument(text, { strict: false });
    const [wrong] = [...document.errors, ...document.warnings];
    if (wrong) throw wrong;
    return document.toJS();
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
  throw refuse(file, `the pattern ${unknown} is of a kind that is not known here`);
}

function refuse(file: string, why: string, cause?: unknown): BootError {
  return new BootError('PLUGIN_NOT_LOADED', `The workspaces in ${file}: ${why}`, {
    phase: 'discover',
    hint: 'List folders, or patterns with *, **, ?, [ab] and {a,b}; a ! in front takes away.',
    cause,
  });
}

/**
 * Finds the packages that workspace patterns match, never in node_modules. A `!` takes away what it matches, except what a
 * later pattern names again (npm's rule).
 *
 * @returns The absolute paths of their folders.
 */
export async function findWorkspaceFolders(
  root: string,
  patterns: readonly string[],
): Promise<readonly string[]> {
  if (patterns.length === 0) return [];
  const [{ glob }, { default: picomatch }] = await Promise.all([
    import('tinyglobby'),
    import('picomatch'),
  ]);
  const wanted: string[] = [];
  let unwanted: readonly string[] = [];
  for (const pattern of patterns) {
    const file = packageFileIn(pattern.replace(/^!/, ''));
    if (pattern.startsWith('!')) {
      unwanted = [...unwanted, file];
    } else {
      unwanted = unwanted.filter((taken) => !picomatch.isMatch(file, taken));
      wanted.push(file);
    }
  }
  const errors: BootError[] = [];
  const found = await Promise.all(
    wanted.map((pattern) =>
      glob(pattern, {
        cwd: root,
        ignore: ['**/node_modules/**', '**/bower_components/**', ...unwanted],
        // A link may lead back up, and `**` would follow it.
        followSymbolicLinks: !pattern.includes('**'),
        expandDirectories: false,
        fs: { readdir: reportingReaddir(errors) },
      }),
    ),
  );
  const [error] = errors;
  if (error) throw error;
  return [...new Set(found.flat())].map((file) => join(root, dirname(file)));
}

/** The package.json that a pattern's folder holds. To npm, `/apps/*`, `./apps/*` and `apps\*` are the same folders. */
function packageFileIn(pattern: string): string {
  const segments = pattern.split(/[\\/]/).filter((segment) => segment !== '' && segment !== '.');
  return [...segments, 'package.json'].join('/');
}

/** The glob passes over a folder that it cannot read, and its plugins would silently not start. */
function reportingReaddir(errors: BootError[]): typeof readdir {
  const read = (
    path: string,
    options: { withFileTypes: true },
    done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void =>
    readdir(path, options, (error, entries) => {
      if (error && !isAbsent(error)) errors.push(unreadable(path, error));
      done(error, entries);
    });
  return read as typeof readdir;
}
