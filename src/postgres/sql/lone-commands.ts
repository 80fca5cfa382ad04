import { readDirectives } from './file-marks.ts';
import { namePart as part, qualifiedName as name } from './sql-names.ts';
import type { SqlCommand, SqlText } from './sql-text.ts';

/** A command that PostgreSQL runs in no transaction. */
export type LoneCommand =
  | { readonly kind: 'createIndex'; readonly index: string | undefined; readonly table: string }
  | { readonly kind: 'reindex'; readonly what: 'index' | 'table'; readonly name: string }
  | { readonly kind: 'other' };

const createIndex = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?(?:(?!on\b)(?<index>${part})\s*)?on\s+(?:only\s+)?(?<table>${name})`,
  'i',
);
const reindex = new RegExp(
  String.raw`^reindex\s+(?:\([^)]*\)\s*)?(?<what>index|table)\s+concurrently\s+(?<name>${name})`,
  'i',
);
const others = [
  /^(?:create\s+(?:unique\s+)?|drop\s+)index\s+concurrently\b/i,
  /^reindex\b.*\bconcurrently\b/is,
  /^reindex\s+(?:\([^)]*\)\s*)?(?:schema|database|system)\b/i,
  /^alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently\b/is,
  /^(?:vacuum|alter\s+system)\b/i,
  /^(?:create|drop|alter)\s+(?:database|tablespace|subscription)\b/i,
];

/** Words that every command has that runs in no transaction; most files have none of them, and need no closer look. */
const mayHaveAny =
  /concurrently|reindex|vacuum|\bsystem\b|\b(?:database|tablespace|subscription)\b/i;

/** Whether a file has to run outside of a transaction: because of a command in it, or because it asks for it. */
export function needsNoTransaction(sql: SqlText): boolean {
  return findLoneCommand(sql) !== undefined || readDirectives(sql).known.has('no-transaction');
}

/**
 * Finds the first command that PostgreSQL runs in no transaction.
 *
 * @example findLoneCommand(new SqlText('VACUUM items;')) // { kind: 'other' }
 */
export function findLoneCommand(sql: SqlText): LoneCommand | undefined {
  if (!mayHaveAny.test(sql.text)) return undefined;
  for (const command of sql.commands) {
    const found = readLoneCommand(command);
    if (found) return found;
  }
  return undefined;
}

/** The command, if PostgreSQL runs it in no transaction. */
export function readLoneCommand({ code }: SqlCommand): LoneCommand | undefined {
  const created = createIndex.exec(code)?.groups;
  if (created) {
    return { kind: 'createIndex', index: created['index'], table: created['table'] ?? '' };
  }
  const rebuilt = reindex.exec(code)?.groups;
  if (rebuilt) {
    const what = rebuilt['what']?.toLowerCase() === 'table' ? 'table' : 'index';
    return { kind: 'reindex', what, name: rebuilt['name'] ?? '' };
  }
  return others.some((pattern) => pattern.test(code)) ? { kind: 'other' } : undefined;
}
