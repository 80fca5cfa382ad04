import { createRequire } from 'node:module';
import { discoverPlugins } from '../../src/boot/discover/discover-plugins.ts';
import { packageTree, type Tree } from './package-tree.ts';

const importByNode = createRequire(import.meta.url)('./native-import.cjs') as (
  url: string,
) => Promise<unknown>;

/** Discovers with Node's own import. */
export function discoverIn(root: string, field = 'slipway'): ReturnType<typeof discoverPlugins> {
  const settings = { plugins: [], discover: { root, field, type: 'backend' } };
  return discoverPlugins(settings, new AbortController().signal, new Set(), importByNode);
}

/** Returns the ids of the plugins in a tree, in the order of discovery. */
export async function idsIn(tree: Tree): Promise<readonly string[]> {
  const { plugins } = await discoverIn(await packageTree(tree));
  return plugins.map(({ plugin }) => plugin.id);
}
