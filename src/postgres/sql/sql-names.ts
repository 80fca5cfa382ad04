import type { SqlText } from './sql-text.ts';

const word = String.raw`[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*`;
const quoted = '"(?:[^"]|"")*"';

/** Patterns of names in the code of a command. */
export const namePart = `(?:${quoted}|${word})`;
export const qualifiedName = String.raw`${namePart}(?:\s*\.\s*${namePart})?`;

/** The name as PostgreSQL keeps it: folded to lower case, or without its quotes. */
export function keptName(written: string): string {
  return written.startsWith('"')
    ? written.slice(1, -1).replaceAll('""', '"')
    : written.toLowerCase();
}

/**
 * The parts of a qualified name, as PostgreSQL keeps them.
 *
 * @example splitName('Public."No""te"') // ['public', 'No"te']
 */
export function splitName(written: string): readonly string[] {
  return Array.from(written.matchAll(new RegExp(namePart, 'g')), ([part]) => keptName(part));
}

/** Splits at the commas that stand in no parentheses. */
export function splitList(text: string): readonly string[] {
  const items: string[] = [];
  let item = '';
  let depth = 0;
  for (const [piece] of text.matchAll(/"(?:[^"]|"")*"|[^"]/gs)) {
    if (piece === '(') depth += 1;
    if (piece === ')') depth -= 1;
    if (piece === ',' && depth === 0) {
      items.push(item.trim());
      item = '';
    } else item += piece;
  }
  return [...items, item.trim()];
}

/** Every word of a text that may be the name of a table or an index, as PostgreSQL keeps it. */
export function namesInSql(sql: Pick<SqlText, 'commands'>): readonly string[] {
  const names = new Set<string>();
  for (const { code, bodies } of sql.commands) {
    for (const [name] of code.matchAll(anyName)) names.add(keptName(name));
    // In a body, a literal may hold SQL.
    for (const { sql: body } of bodies) {
      for (const [name] of body.text.matchAll(anyWord)) names.add(name).add(name.toLowerCase());
    }
  }
  return [...names];
}

const anyName = new RegExp(namePart, 'g');
const anyWord = new RegExp(word, 'g');
