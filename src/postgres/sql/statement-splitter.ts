import { lexSql } from './sql-lexer.ts';

/** One piece of a migration file, sent to PostgreSQL as it is. */
export interface Statement {
  readonly text: string;
  /** Where `text` begins in the file. */
  readonly offset: number;
  /** Where its first SQL is in the file, behind leading comments: the place to point at when PostgreSQL names none. */
  readonly codeOffset: number;
}

/**
 * Splits a migration at Drizzle's `--> statement-breakpoint`, except inside literals, quoted names, dollar quotes and
 * comments (Drizzle itself splits there too, and breaks them). Pieces without any SQL are left out.
 *
 * @example splitStatements('select 1;--> statement-breakpoint\nselect 2;').map((s) => s.text) // ['select 1;', 'select 2;']
 */
export function splitStatements(text: string): readonly Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  let codeOffset: number | undefined;
  const close = (end: number): void => {
    if (codeOffset !== undefined) statements.push(trim(text, start, end, codeOffset));
    codeOffset = undefined;
  };
  for (const token of lexSql(text)) {
    if (token.kind === 'breakpoint') {
      close(token.start);
      start = token.end;
    } else if (token.kind !== 'comment' && codeOffset === undefined) {
      const blank = countBlanks(text.slice(token.start, token.end));
      if (blank < token.end - token.start) codeOffset = token.start + blank;
    }
  }
  close(text.length);
  return statements;
}

/** Whether a text has any SQL; reads no further than to the first. */
export function hasStatement(text: string): boolean {
  for (const { kind, start, end } of lexSql(text)) {
    if (kind === 'comment' || kind === 'breakpoint') continue;
    if (/\S/.test(text.slice(start, end))) return true;
  }
  return false;
}

/** Also drops a byte order mark, which JavaScript counts as white space and PostgreSQL refuses. */
function trim(text: string, start: number, end: number, codeOffset: number): Statement {
  const piece = text.slice(start, end);
  return { text: piece.trim(), offset: start + countBlanks(piece), codeOffset };
}

function countBlanks(piece: string): number {
  return piece.length - piece.trimStart().length;
}
