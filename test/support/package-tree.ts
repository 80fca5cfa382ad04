import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { onTestFinished } from 'vitest';

/** Files by their path: a text, or an object that is written as JSON. `{ link }` is a symbolic link to a path of the tree. */
export type Tree = Readonly<Record<string, string | { readonly link: string } | object>>;

/** Writes a tree of packages as a package manager does. It is removed after the test. */
export async function packageTree(tree: Tree): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'slipway-packages-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await growTree(root, tree);
  return root;
}

/** Writes more files into a tree. */
export async function growTree(root: string, tree: Tree): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true });
    if (typeof content === 'object' && 'link' in content) {
      await symlink(relative(dirname(place), join(root, content.link)), place, 'dir');
    } else {
      await writeFile(place, typeof content === 'string' ? content : JSON.stringify(content));
    }
  }
}

/** Returns the files of a plugin package in `folder`, whose default export is `{ id }`. */
export function pluginPackage(folder: string, name: string, more: object = {}): Tree {
  const id = name.replace(/^@.*\//, '');
  return {
    [`${folder}/package.json`]: {
      name,
      version: '1.2.3',
      type: 'module',
      exports: './index.js',
      slipway: { type: 'backend' },
      ...more,
    },
    [`${folder}/index.js`]: `export default { id: '${id}' };`,
  };
}

/** Returns the files of a package that is not a plugin and must never be imported. */
export function plainPackage(folder: string, name: string, more: object = {}): Tree {
  return {
    [`${folder}/package.json`]: { name, version: '1.0.0', exports: './index.js', ...more },
    [`${folder}/index.js`]: `throw new Error('${name} is no plugin, and was imported');`,
  };
}

/** Returns a list of dependencies for a package.json. */
export function dependingOn(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, '*']));
}
