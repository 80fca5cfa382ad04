import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../support/built-package.ts';
import { packageTree, type Tree } from '../support/package-tree.ts';

/** Makes a folder with these files, in which the package is installed by a link. It is removed after the test. */
export async function project(tree: Tree = {}): Promise<string> {
  const folder = await packageTree({ 'package.json': { type: 'module' }, ...tree });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await symlink(packageRoot, join(folder, 'node_modules/slipway'), 'junction');
  return folder;
}

/** Makes a project with the plugin notes, and these migrations of it. */
export function projectWithNotes(migrations: Readonly<Record<string, string>>): Promise<string> {
  const files = Object.entries(migrations).map(([name, sql]) => [`sql/${name}`, sql]);
  return project({
    'slipway.config.js': `import { defineConfig, sqlFiles } from 'slipway';
export default defineConfig({
  pool: process.env.DATABASE_URL,
  logger: 'info',
  plugins: [{ id: 'notes', migrations: sqlFiles(new URL('./sql', import.meta.url)) }],
});`,
    ...(Object.fromEntries(files) as Readonly<Record<string, string>>),
  });
}
