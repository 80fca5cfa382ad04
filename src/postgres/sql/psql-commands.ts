import { lexSql } from './sql-lexer.ts';
import { positionAt } from './source-position.ts';
import { findCommand, type FoundCommand } from './transaction-control.ts';

const backslashed = /\\\S*/;
const copyFromStdin = [/^copy\b.*\bfrom\s+stdin\b/is];

/**
 * Finds the first thing in a text that only psql understands: a command with a backslash, or COPY FROM STDIN, whose rows psql
 * sends. SQL has no backslash outside of literals, quoted names and comments.
 *
 * @example findPsqlCommand('\\restrict abc\nCREATE TABLE a ();') // { command: '\\restrict', line: 1 }
 */
export function findPsqlCommand(text: string): FoundCommand | undefined {
  const copy = /\bstdin\b/i.test(text) ? findCommand(text, copyFromStdin) : undefined;
  const backslash = text.includes('\\') ? findBackslash(text) : undefined;
  // The rows behind a COPY are no SQL, so a backslash among them says nothing.
  return copy && (!backslash || copy.line <= backslash.line)
    ? { ...copy, command: 'COPY FROM STDIN' }
    : backslash;
}

function findBackslash(text: string): FoundCommand | undefined {
  for (const { kind, start, end } of lexSql(text)) {
    const found = kind === 'code' ? backslashed.exec(text.slice(start, end)) : null;
    if (found) return { command: found[0], line: positionAt(text, start + found.index).line };
  }
  return undefined;
}

/** Whether one of psql's variables stands at `index`: `:name`, `:'name'` or `:"name"`. */
export function isPsqlVariable(text: string, index: number): boolean {
  return /^:['"A-Za-z_]/.test(text.slice(index, index + 2));
}

/** What to do about something that only psql understands. */
export function psqlAdvice(command: string, file: string): string {
  if (command.startsWith('\\')) {
    return `Lines that begin with a backslash are commands of psql, not SQL: remove ${command} from ${file}.`;
  }
  return command.startsWith('COPY')
    ? `COPY FROM STDIN needs data that a migration cannot send: turn it into INSERT in ${file}, as pg_dump --inserts does.`
    : `PostgreSQL does not know the variables of psql: write the value in place of ${command} in ${file}.`;
}
