import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/imports.ts';

const run = promisify(execFile);
const readme = readFileSync(join(repository, 'README.md'), 'utf8');

/** The code block behind `<!-- kind: file -->`. */
function blockOf(kind: 'program' | 'output'): { readonly file: string; readonly text: string } {
  const match = new RegExp(`<!-- ${kind}: (\\S+) -->\\s*\`\`\`\\w+\\n([^]*?)\`\`\``).exec(readme);
  return { file: match?.[1] ?? '', text: match?.[2] ?? '' };
}

describe('the program that opens the README', () => {
  it('is the one in the examples', () => {
    const { file, text } = blockOf('program');
    expect(text).toBe(readFileSync(join(repository, file), 'utf8'));
  });

  it('prints what the README says', async () => {
    const { file, text } = blockOf('output');
    const { stdout } = await run('node', ['--import', 'jiti/register', file], { cwd: repository });
    expect(stdout).toBe(text);
  });
});
