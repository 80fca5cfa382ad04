import { lexSql, type SqlToken } from './sql-lexer.ts';
import { positionAt } from './source-position.ts';

/** Where another tool's way down begins, in a file that has both ways. */
export interface UndoMark {
  readonly tool: string;
  /** As it is written. */
  readonly mark: string;
  /** Counts from 1. */
  readonly line: number;
}

/** What begins the way down, as the tools themselves read it; each is a line comment of its own. */
const marks: readonly (readonly [tool: string, pattern: RegExp])[] = [
  // https://pressly.github.io/goose/documentation/annotations
  ['goose', /^--\s*\+goose\s+down\b/i],
  // https://github.com/rubenv/sql-migrate/blob/master/sqlparse/sqlparse.go
  ['sql-migrate', /^--\s*\+migrate\s+down\b/i],
  // https://github.com/amacneil/dbmate/blob/main/pkg/dbmate/migration.go
  ['dbmate', /^--\s*migrate:down\b/i],
  // https://github.com/salsita/node-pg-migrate/blob/main/src/sqlMigration.ts
  ['node-pg-migrate', /^--[\s-]*down\s+migration/i],
  // https://github.com/jackc/tern/blob/master/migrate/migrate.go
  ['tern', /^---- create above \/ drop below ----/],
  // https://mybatis.org/migrations/new.html
  ['MyBatis Migrations', /^--\s*\/\/\s*@undo\b/i],
  // https://github.com/elwinar/rambler
  ['rambler', /^--\s*rambler\s+down\b/i],
  // The template of a revert script: https://sqitch.org/docs/manual/sqitch-add/
  ['Sqitch', /^--\s*revert\s+\S+:\S+\s+from\s+\S+/i],
];

/** Most files have none, and need not be read for them. */
const hasAny = /--.*(?:down|undo|drop below|revert)/i;

/**
 * Finds the mark of a way down that has SQL behind it: run as one text, the file would undo what it has just done. The same
 * words in a literal are none.
 *
 * @example findUndoMark('-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;') // { tool: 'goose', line: 3, … }
 */
export function findUndoMark(text: string): UndoMark | undefined {
  if (!hasAny.test(text)) return undefined;
  let found: { readonly tool: string; readonly token: SqlToken } | undefined;
  for (const token of lexSql(text)) {
    const { kind, start, end } = token;
    if (found && kind !== 'comment' && kind !== 'breakpoint' && /\S/.test(text.slice(start, end))) {
      const mark = text.slice(found.token.start, found.token.end).trim();
      return { tool: found.tool, mark, line: positionAt(text, found.token.start).line };
    }
    if (!found && kind === 'comment' && beginsLine(text, start)) {
      const comment = text.slice(start, end);
      const tool = marks.find(([, pattern]) => pattern.test(comment))?.[0];
      if (tool !== undefined) found = { tool, token };
    }
  }
  return undefined;
}

function beginsLine(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 200), start);
  return (
    before.slice(Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1).trim() === ''
  );
}
