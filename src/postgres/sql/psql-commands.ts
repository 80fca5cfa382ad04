import { findCommand, type FoundCommand } from './refused-commands.ts';
import type { SqlText } from './sql-text.ts';
import { positionAt } from './text-position.ts';

const copyFromStdin = [/^copy\b.*\bfrom\s+stdin\b/is];
const quotedNameOrBackslash = /"(?:[^"]|"")*"|\\[^\s'"]*/g;

/**
 * Finds the first thing in a text that only psql understands: a command with a backslash, or COPY FROM STDIN, whose rows psql
 * sends. SQL has no backslash outside of literals, quoted names and comments.
 *
 * @example findPsqlCommand(new SqlText('\\restrict abc\nCREATE TABLE a ();')) // { command: '\\restrict', line: 1 }
 */
export function findPsqlCommand(sql: SqlText): FoundCommand | undefined {
  const copy = /\bstdin\b/i.test(sql.text) ? findCommand(sql, copyFromStdin) : undefined;
  const backslash = sql.text.includes('\\') ? findBackslash(sql) : undefined;
  // The rows behind a COPY are no SQL, so a backslash among them says nothing.
  return copy && (!backslash || copy.line <= backslash.line)
    ? { ...copy, command: 'COPY FROM STDIN' }
    : backslash;
}

function findBackslash(sql: SqlText): FoundCommand | undefined {
  for (const { code, start } of sql.commands) {
    if (!code.includes('\\')) continue;
    for (const { 0: command, index } of code.matchAll(quotedNameOrBackslash)) {
      if (!command.startsWith('\\')) continue;
      return { command, line: positionAt(sql.text, start + index).line };
    }
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
