import { deleteRowsSql, insertHistorySql } from '../history/migration-history.ts';
import { addReplacedBy, commentSql } from '../history/replaced-marker.ts';
import { forgetFilesSql } from '../history/unfinished-file.ts';
import type { Squash } from '../history/plan-squash.ts';
import type { Migration } from '../sources/migration.ts';
import type { Migrating, PreparedFile } from './migrating.ts';
import type { HeldMigrationLock } from './migration-lock.ts';

/**
 * The SQL that writes a file into the history. A squash file takes the place of what it replaces, and says so in the comment on
 * the table: also where it has run, because an older release would run the replaced files after it.
 */
export function historySql(
  run: Migrating,
  held: HeldMigrationLock,
  { file, replaced }: PreparedFile,
): readonly string[] {
  const { historySchema } = run.plugin;
  const row = insertHistorySql(historySchema, file, held.shape);
  return [
    ...(replaced === undefined ? [] : [deleteRowsSql(historySchema, replaced, held.shape)]),
    // It may have been begun before an older release has marked its files as applied.
    ...(replaced === undefined
      ? []
      : forgetFilesSql(historySchema, new Set([file.historyName]), held.done)),
    row,
    ...replacedSql(run, held, file),
  ];
}

/** The SQL that says in the comment on the history what a squash file replaces; empty when the comment says it already. */
export function replacedSql(
  { plugin: { historySchema } }: Migrating,
  held: HeldMigrationLock,
  file: Migration,
): readonly string[] {
  const marker = addReplacedBy(held.replaced, file);
  if (marker === held.replaced) return [];
  const { comment, sql } = commentSql(historySchema, held.comment, marker);
  return comment === held.comment ? [] : [sql];
}

/** Keeps what a file that was committed has changed in the history besides its row. */
export function learnReplaced(
  { plugin: { historySchema } }: Migrating,
  held: HeldMigrationLock,
  file: Migration,
): void {
  const marker = addReplacedBy(held.replaced, file);
  if (marker === held.replaced) return;
  held.comment = commentSql(historySchema, held.comment, marker).comment;
  held.replaced = marker;
}

/** A squash file as it is sent: nothing of it, only what changes in the history. */
export function prepareSquash({ file, rows }: Squash<Migration>): PreparedFile {
  return {
    file,
    replaced: rows,
    inTransaction: true,
    count: 0,
    mayReachOut: false,
    batch: () => [],
    sendEach: async () => undefined,
  };
}
