import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from './built-package.ts';

/** Reads the first block of a kind in the README. */
export async function readBlock(kind: 'program' | 'commands' | 'output'): Promise<string> {
  const readme = await readFile(join(packageRoot, 'README.md'), 'utf8');
  const pattern = new RegExp(`<!-- ${kind}: \\S+ -->\\s*\`\`\`\\w+\\n([^]*?)\`\`\``);
  const [, text] = pattern.exec(readme) ?? [];
  if (text === undefined) throw new Error(`The README has no ${kind}`);
  return text;
}
