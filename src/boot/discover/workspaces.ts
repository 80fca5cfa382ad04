import { join } from 'node:path';
import { BootError } from '../../core/errors.ts';
import type { PackageFiles } from './package-files.ts';
import { fieldsIn, type Package } from './package-json.ts';
import { readPnpmPatterns } from './pnpm-workspace.ts';
import { findWorkspaceFolders } from './workspace-folders.ts';

/**
 * Finds the workspaces of a package: the folders that its package.json (`workspaces`, a list or `{ packages }`) and the
 * pnpm-workspace.yaml beside it name.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findWorkspaces(
  root: Package,
  files: PackageFiles,
): Promise<readonly string[]> {
  const { workspaces } = root.json;
  const pnpmPath = join(root.folder, 'pnpm-workspace.yaml');
  const pnpm = await files.read(pnpmPath);
  const found = await Promise.all([
    foldersIn(join(root.folder, 'package.json'), () => patternsIn(workspaces)),
    foldersIn(pnpmPath, () => (pnpm === undefined ? [] : (readPnpmPatterns(pnpm) ?? []))),
  ]);
  return found.flat();

  async function foldersIn(
    file: string,
    read: () => readonly string[],
  ): Promise<readonly string[]> {
    try {
      return await findWorkspaceFolders(root.folder, read(), files);
    } catch (cause) {
      if (cause instanceof BootError || !(cause instanceof Error)) throw cause;
      throw new BootError('PLUGIN_NOT_LOADED', `The workspaces in ${file}: ${cause.message}`, {
        phase: 'discover',
        hint: 'Write them as folders and patterns with *, **, ?, [ab] and {a,b}.',
        cause,
      });
    }
  }
}

function patternsIn(workspaces: unknown): readonly string[] {
  const listed = Array.isArray(workspaces) ? workspaces : fieldsIn(workspaces)['packages'];
  if (workspaces === undefined || (!Array.isArray(workspaces) && listed === undefined)) return [];
  if (Array.isArray(listed) && listed.every((pattern) => typeof pattern === 'string')) {
    return listed;
  }
  throw new Error('"workspaces" has to be a list of patterns');
}
