import { isReplaces } from './replaces-directive.ts';
import type { SqlToken } from './sql-lexer.ts';
import type { SqlText } from './sql-text.ts';
import type { TextPosition } from './text-position.ts';

/** The requests that a migration file may make of Slipway, each in a line comment of its own: `-- slipway: allow-outside`. */
type MigrationDirective = (typeof migrationDirectives)[number];

export const migrationDirectives = ['allow-outside', 'no-transaction'] as const;

export interface FoundDirectives {
  readonly known: ReadonlySet<MigrationDirective>;
  /** Such as a misspelt one, which would silently have no effect. */
  readonly unknown: readonly UnknownDirective[];
}

interface UnknownDirective extends TextPosition {
  readonly name: string;
}

const directive = /^--\s*slipway:\s*(.*?)\s*$/i;

/** Applied files are asked as well: one without any directive is not read for it. */
const mayHaveDirective = /slipway:/i;

/**
 * Reads the directives of a file.
 *
 * @example readDirectives(new SqlText('-- slipway: allow-outside\nCREATE SCHEMA a;')).known // Set { 'allow-outside' }
 */
export function readDirectives(sql: SqlText): FoundDirectives {
  const comments = mayHaveDirective.test(sql.text) ? sql.comments : [];
  const found = comments.flatMap((comment) => {
    const name = directive.exec(readComment(comment, sql))?.[1];
    return name === undefined ? [] : [{ name, start: comment.start }];
  });
  const names: readonly string[] = migrationDirectives;
  return {
    known: new Set(migrationDirectives.filter((name) => found.some((each) => each.name === name))),
    unknown: found
      .filter(({ name }) => !names.includes(name) && !isReplaces(name))
      .map(({ name, start }) => ({ name, ...sql.positionAt(start) })),
  };
}

/** Where another tool's way down begins, in a file that has both ways. */
export interface UndoMark extends TextPosition {
  readonly tool: string;
  /** As it is written. */
  readonly mark: string;
}

/** The marks of a way down, as the tools themselves read them; each is a line comment of its own. */
const undoMarks: readonly (readonly [tool: string, pattern: RegExp])[] = [
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

/**
 * Finds the mark of a way down that has SQL behind it: run as one text, the file would undo what it has just done. The same
 * words in a literal are none.
 *
 * @example findUndoMark(new SqlText('-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;')) // { tool: 'goose', line: 3, column: 1, … }
 */
export function findUndoMark(sql: SqlText): UndoMark | undefined {
  for (const comment of sql.comments) {
    const written = readComment(comment, sql);
    const tool = undoMarks.find(([, pattern]) => pattern.test(written))?.[0];
    if (tool === undefined || !beginsLine(sql.text, comment.start)) continue;
    const hasSqlBehind = sql.commands.some(({ start, code }) => start + code.length > comment.end);
    if (!hasSqlBehind) return undefined;
    return { tool, mark: written.trim(), ...sql.positionAt(comment.start) };
  }
  return undefined;
}

function readComment({ start, end }: SqlToken, { text }: SqlText): string {
  return text.slice(start, end);
}

function beginsLine(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 200), start);
  return (
    before.slice(Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1).trim() === ''
  );
}
