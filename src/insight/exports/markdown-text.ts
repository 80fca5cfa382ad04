import { cutText, printable } from '../../core/printable.ts';

/** A message that is longer than this is cut. */
const longest = 2_000;

/** Writes a text as inline code, in which Markdown executes nothing. Line breaks become spaces. */
export function writeCode(text: string): string {
  const line = flatten(text);
  const runs = line.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(0, ...runs.map(({ length }) => length)) + 1);
  const pad = /^[`\s]|[`\s]$|^$/.test(line) ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

/**
 * Writes a sentence. Words that are more than letters, digits and plain punctuation become inline code: names of files, and all
 * that Markdown would execute, such as HTML, links, mentions and pipes.
 *
 * @example writeText('auth applies 0001_items.sql') // 'auth applies `0001_items.sql`'
 */
export function writeText(text: string): string {
  return flatten(text)
    .split(' ')
    .map((word) => (isPlain(word) ? word : writeCode(word)))
    .join(' ');
}

/** Writes several lines as they are. */
export function writeBlock(text: string, indent: string): readonly string[] {
  const lines = printable(cutText(text, longest)).split('\n');
  const runs = text.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(2, ...runs.map(({ length }) => length)) + 1);
  return [`${fence}text`, ...lines, fence].map((line) => `${indent}${line}`);
}

/** Dots and colons may stand between digits and at the end of a word. Elsewhere they make an address of it. */
function isPlain(word: string): boolean {
  return /^[("']*(?:[\p{L}\p{N}%/×-]+|\d+(?:[.:]\d+)+\p{L}*)?[)"'.,;:…]*$/u.test(word);
}

function flatten(text: string): string {
  return printable(cutText(text, longest))
    .replaceAll(/[\p{Surrogate}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
