import { join } from 'node:path';
import { toError } from '../../core/error-record.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import type { PackageFiles } from './package-files.ts';
import { fieldsIn, type Package } from './package-json.ts';
import { readPnpmPatterns } from './pnpm-workspace.ts';
import { findWorkspaceFolders } from './workspace-folders.ts';

/**
 * Finds the workspaces of a package: the folders that its package.json (`workspaces`, a list or `{ packages }`) and the
 * pnpm-workspace.yaml beside it name. Whether a package is in each of them is not known yet.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findWorkspaces(
  root: Package,
  files: PackageFiles,
): Promise<readonly string[]> {
  const pnpmFile = join(root.folder, 'pnpm-workspace.yaml');
  const pnpmText = await files.read(pnpmFile);
  const npm = await refuseIn(join(root.folder, 'package.json'), () =>
    findWorkspaceFolders(root.folder, npmPatterns(root.json['workspaces']), files),
  );
  const pnpm = await refuseIn(pnpmFile, () =>
    findWorkspaceFolders(root.folder, readPnpmPatterns(pnpmText ?? '') ?? [], files),
  );
  return [...npm, ...pnpm];
}

function npmPatterns(workspaces: unknown): readonly string[] {
  const isObject = fieldsIn(workspaces) === workspaces;
  const patterns = (isObject ? fieldsIn(workspaces)['packages'] : workspaces) ?? [];
  if (Array.isArray(patterns) && patterns.every((each) => typeof each === 'string')) {
    return patterns;
  }
  throw new Error('"workspaces" has to be a list of patterns');
}

/** Says in which file a list of workspaces is wrong. */
async function refuseIn<T>(file: string, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (thrown) {
    const known = asBootError(thrown);
    if (known) throw known;
    const cause = toError(thrown);
    throw new BootError('PLUGIN_NOT_LOADED', `The workspaces in ${file}: ${cause.message}`, {
      phase: 'discover',
      hint: 'List folders, or patterns with *, **, ?, [ab] and {a,b}; a ! in front excludes.',
      cause,
    });
  }
}
