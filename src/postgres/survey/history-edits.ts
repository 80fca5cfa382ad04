import { problem, type Problem } from '../../core/error-codes.ts';
import { quoteHistory, historyTable } from '../history/migration-history.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { keptName, namePart } from '../sql/sql-names.ts';
import { nestedCommands, type SqlText } from '../sql/sql-text.ts';
import type { TextPosition } from '../sql/text-position.ts';

/** A command of a migration file that changes a history of migrations. */
interface HistoryEdit extends TextPosition {
  /** Such as `DELETE FROM`. */
  readonly command: string;
  /** Undefined when the file names no schema, which means the plugin's own. */
  readonly schema: string | undefined;
  /** Whether the file makes the whole history unreadable. A body in dollar quotes may never run. */
  readonly isFatal: boolean;
}

const table = String.raw`(?<![\w$"])(?:(?<schema>${namePart})\s*\.\s*)?(?:"${historyTable}"|${historyTable}(?![\w$]))`;
const edit = new RegExp(
  String.raw`\b(?:(?<rows>insert\s+into|merge\s+into|update|delete\s+from|copy)\s+(?:only\s+)?|(?<whole>truncate|drop\s+table)\s+[^;]*?|(?<shape>alter\s+table)\s+(?:if\s+exists\s+)?(?:only\s+)?|(?<noted>comment\s+on\s+table)\s+)${table}(?<rest>[^;]*)`,
  'gi',
);

/** Other forms of ALTER TABLE, such as ENABLE ROW LEVEL SECURITY, leave the history readable. */
const breaksShape = /^\s*(?:rename\b|set\s+schema\b|drop\s+(?:column\b)?|alter\s+(?:column\b)?)/i;

interface PendingPlugin {
  readonly id: string;
  readonly schema: string;
  readonly historySchema: string;
  readonly pending: readonly Migration[];
}

/**
 * Finds pending files that change a history of migrations. Slipway reads from its rows which files have run, and writes a row
 * with each file. So a command that makes the plugin's whole history unreadable, or erases what its comment says of a squash, is a
 * problem; any other is a warning.
 */
export function findHistoryEdits({ id, schema, historySchema, pending }: PendingPlugin): {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
} {
  const found = pending.filter(isSql).flatMap(({ name: file, sql }) =>
    readHistoryEdits(sql).map(({ command, line, column, schema: written = schema, isFatal }) => {
      const what = `changes a history of migrations: ${command} ${quoteHistory(written)}`;
      const message = `${id}: line ${line} of ${file} ${what}`;
      return {
        isFatal: isFatal && written === historySchema,
        problem: problem('MIGRATION_EDITS_HISTORY', message, { plugin: id, file, line, column }),
      };
    }),
  );
  return {
    problems: found.filter(({ isFatal }) => isFatal).map((each) => each.problem),
    warnings: found.filter(({ isFatal }) => !isFatal).map((each) => each.problem),
  };
}

function readHistoryEdits(sql: SqlText): readonly HistoryEdit[] {
  if (!sql.text.includes(historyTable)) return [];
  return Array.from(nestedCommands(sql)).flatMap(({ command: { code }, start, isInBody }) =>
    Array.from(code.matchAll(edit)).flatMap(({ index, groups = {} }) => {
      const { rows, whole, shape, noted, schema, rest = '' } = groups;
      if (shape !== undefined && !breaksShape.test(rest)) return [];
      // COPY … TO only reads.
      if (/^copy$/i.test(rows ?? '') && !/^(?:\s*\([^)]*\))?\s*from\b/i.test(rest)) return [];
      const command = (rows ?? whole ?? shape ?? noted ?? '').replaceAll(/\s+/g, ' ').toUpperCase();
      const isWhole = rows === undefined || (command === 'DELETE FROM' && rest.trim() === '');
      return {
        command,
        schema: schema === undefined ? undefined : keptName(schema),
        ...sql.positionAt(start + index),
        isFatal: isWhole && !isInBody,
      };
    }),
  );
}
