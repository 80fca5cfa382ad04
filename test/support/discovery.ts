import { createRequire } from 'node:module';
import { discoverPlugins, type Discovery } from '../../src/boot/discover/discover-plugins.ts';
import { packageFiles, type PackageFiles } from '../../src/boot/discover/package-files.ts';
import { packageTree, type Tree } from './package-tree.ts';

const importByNode = createRequire(import.meta.url)('./native-import.cjs') as (
  url: string,
) => Promise<unknown>;

/** Discovers with Node's own import. */
export function discoverIn(
  root: string,
  { files = packageFiles, field = 'slipway' }: { files?: PackageFiles; field?: string } = {},
): Promise<Discovery> {
  return discoverPlugins(
    { plugins: [], discover: { root, field, type: 'backend' } },
    { signal: new AbortController().signal, files, importModule: importByNode },
  );
}

/** The ids of the plugins in a tree, in their order. */
export async function idsIn(tree: Tree): Promise<readonly string[]> {
  const { plugins } = await discoverIn(await packageTree(tree));
  return plugins.map(({ plugin }) => plugin.id);
}

/** Counts every look at the file system, and remembers which files were read. */
export function countingFiles(): {
  readonly files: PackageFiles;
  readonly reads: readonly string[];
  readonly looks: { readonly total: number };
} {
  const reads: string[] = [];
  const looks = { total: 0 };
  const files: PackageFiles = {
    async read(path) {
      looks.total += 1;
      const text = await packageFiles.read(path);
      if (text !== undefined) reads.push(path);
      return text;
    },
    real(path) {
      looks.total += 1;
      return packageFiles.real(path);
    },
    subfolders(path) {
      looks.total += 1;
      return packageFiles.subfolders(path);
    },
    isFile(path) {
      looks.total += 1;
      return packageFiles.isFile(path);
    },
  };
  return { files, reads, looks };
}
