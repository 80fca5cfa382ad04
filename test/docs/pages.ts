import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../architecture/imports.ts';

/** Every page of the documentation, relative to the repository. */
export const pages: readonly string[] = [
  ...docsWith('.md'),
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
];

/** Every program of the documentation, relative to the repository. */
export const programs: readonly string[] = docsWith('.ts');

/** The examples link to the package itself in their node_modules, so a walk into these would never end. */
function docsWith(ending: string, folder = 'docs'): readonly string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : docsWith(ending, path);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}
