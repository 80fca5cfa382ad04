import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { pages } from './pages.ts';

const run = promisify(execFile);

interface Block {
  readonly page: string;
  readonly file: string;
  readonly text: string;
}

/** The code blocks behind `<!-- kind: file -->`. */
function blocksOf(kind: 'program' | 'output'): readonly Block[] {
  const pattern = new RegExp(`<!-- ${kind}: (\\S+) -->\\s*\`\`\`\\w+\\n([^]*?)\`\`\``, 'g');
  return pages.flatMap((page) =>
    [...readFileSync(join(repository, page), 'utf8').matchAll(pattern)].map(
      ([, file = '', text = '']) => ({ page, file, text }),
    ),
  );
}

describe('the programs in the pages', () => {
  it.each(blocksOf('program'))('$file in $page is the one in the examples', ({ file, text }) => {
    expect(text).toBe(readFileSync(join(repository, file), 'utf8'));
  });

  it.each(blocksOf('output'))('$file prints what $page says', async ({ file, text }) => {
    const { stdout } = await run('node', ['--import', 'jiti/register', file], { cwd: repository });
    expect(stdout).toBe(text);
  });

  it('open the README', () => {
    expect(blocksOf('program').some(({ page }) => page === 'README.md')).toBe(true);
  });
});
