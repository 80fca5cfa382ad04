import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../architecture/imports.ts';

/** Every page of the documentation, relative to the repository. */
export const pages: readonly string[] = [...pagesIn('docs'), 'README.md', 'CHANGELOG.md'];

/** The examples link to the package itself in their node_modules: entered, that has no end, and changes under the walk. */
function pagesIn(folder: string): readonly string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : pagesIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}
