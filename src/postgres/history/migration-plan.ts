import { HistoryPairing, wholeSecond, type Pair } from './history-pairing.ts';
import type { MigrationIdentity, SqlMigration } from '../sources/migration.ts';
import { listHashes, isEdited } from '../sources/migration-identity.ts';
import type { HistoryRow } from './migration-history.ts';

/** The parts of a migration that are compared with the history; a function has no text. */
export type ComparedFile = Pick<MigrationIdentity, 'historyName' | 'when' | 'hash'> &
  Partial<Pick<SqlMigration, 'text'>>;

/** How the files of a folder and the rows of a history fit together. */
export interface MigrationPlan<File> {
  /** The files that the history does not know, in their order. */
  readonly pending: readonly File[];
  /** Of the pending ones, those that stand before a file that is applied. */
  readonly outOfOrder: readonly File[];
  /** The files that are applied, each with its row. */
  readonly applied: readonly Pair<File>[];
  /** Applied, and changed since. */
  readonly edited: readonly File[];
  /**
   * Applied by their text alone: the row says another name or time. Most are renamed; one may be new, with the text of a file
   * that is gone.
   */
  readonly moved: readonly Pair<File>[];
  /** Rows that no file matches. */
  readonly unknown: readonly HistoryRow[];
}

/**
 * Compares a folder with its history as two sets, so that a file merged late with an older `when` is not skipped. Files and
 * rows are paired one to one: by name, by time, then by hash. What is paired is never run again, whatever else of the row
 * is different or missing.
 *
 * @param schema What `"public".` may have been turned into before the hash was taken.
 */
export function planMigrations<File extends ComparedFile>(
  files: readonly File[],
  rows: readonly HistoryRow[],
  schema: string,
): MigrationPlan<File> {
  const pairing = new HistoryPairing(files, rows);
  pairing.pairBy(
    ({ historyName }) => [historyName],
    ({ name }) => name,
  );
  pairing.pairBy(
    ({ when, hash }) => [`${when} ${hash}`],
    ({ createdAt, hash }) => `${createdAt} ${hash}`,
  );
  pairing.dropRepeats();
  pairing.pairBy(
    ({ when }) => [when],
    ({ createdAt }) => createdAt,
  );
  // Between the formats: the name of a folder of 1.x has no milliseconds.
  pairing.pairBy(
    ({ when }) => [wholeSecond(when)],
    ({ createdAt }) => createdAt,
  );
  pairing.pairBy(
    ({ when }) => [when],
    ({ createdAt }) => createdAt && wholeSecond(createdAt),
  );
  const known = pairing.pairs.length;
  pairing.pairBy(
    ({ hash }) => [hash],
    ({ hash }) => hash,
  );
  pairing.pairBy(
    (file) => listHashes(file, schema),
    ({ hash }) => hash,
  );
  const isApplied = new Set(pairing.pairs.map(({ file }) => file));
  const lastApplied = files.findLastIndex((file) => isApplied.has(file));
  return {
    pending: pairing.files,
    outOfOrder: files.slice(0, lastApplied + 1).filter((file) => !isApplied.has(file)),
    applied: pairing.pairs,
    edited: pairing.pairs
      .filter(({ file, row }) => isEdited(file, row.hash, schema))
      .map(({ file }) => file),
    moved: pairing.pairs
      .slice(known)
      .filter(({ row: { name, createdAt } }) => name !== null || createdAt !== null),
    unknown: pairing.rows,
  };
}
