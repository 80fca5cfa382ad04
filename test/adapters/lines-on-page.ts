import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../support/built-package.ts';

/** Reads the lines that docs/adapters.md shows behind `<!-- lines: … name … -->`. */
export function readLinesOnPage(name: string): readonly string[] {
  const page = readFileSync(join(packageRoot, 'docs/adapters.md'), 'utf8');
  const blocks = page.matchAll(/<!-- lines: (.+?) -->\s*```text\n([^]*?)\n```/g);
  for (const [, names = '', text = ''] of blocks) {
    if (names.split(', ').includes(name)) return text.split('\n');
  }
  throw new Error(`docs/adapters.md shows no lines of ${name}`);
}

/** The lines of a program as the page shows them: with the port 8080. */
export const asOnPage = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.replace(/port: \d+/, 'port: 8080'));
