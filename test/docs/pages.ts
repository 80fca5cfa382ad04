import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../architecture/imports.ts';

/** Every page of the documentation, relative to the repository. */
export const pages: readonly string[] = readdirSync(join(repository, 'docs'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
  .map((name) => join('docs', name))
  .concat('README.md', 'CHANGELOG.md');
