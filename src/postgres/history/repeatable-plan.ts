import { isRepeatable, type MigrationIdentity, type SqlMigration } from '../sources/migration.ts';
import { identifyByName, isRepeatableWhen } from '../sources/migration-identity.ts';
import { hasText } from '../sources/repeatable-files.ts';
import type { HistoryRow } from './migration-history.ts';

/** The parts of a migration that are compared with the history; a function has no text. */
export type ComparedFile = Pick<MigrationIdentity, 'historyName' | 'when' | 'hash'> &
  Partial<Pick<SqlMigration, 'sql'>>;

/** A file, and the row that says it is applied. */
export interface Pair<File> {
  readonly file: File;
  readonly row: HistoryRow;
}

interface Part<File> {
  readonly files: readonly File[];
  readonly rows: readonly HistoryRow[];
}

interface SplitHistory<File> {
  readonly once: Part<File>;
  /** Left out when no file is repeatable. */
  readonly repeatable?: Part<File>;
}

/**
 * Separates repeatable files and their rows from those that run once. The row of a repeatable file that is gone is in neither
 * part: what the file has made stays, and no release is behind because of it.
 */
export function splitRepeatable<File extends ComparedFile>(
  files: readonly File[],
  rows: readonly HistoryRow[],
): SplitHistory<File> {
  const isOwnRow = ({ createdAt }: HistoryRow): boolean => isRepeatableWhen(createdAt);
  const repeatable = files.filter(isRepeatable);
  const isMixed = repeatable.length > 0;
  if (!isMixed && !rows.some(isOwnRow)) return { once: { files, rows } };
  return {
    once: {
      files: isMixed ? files.filter((file) => !isRepeatable(file)) : files,
      rows: rows.filter((row) => !isOwnRow(row)),
    },
    ...(isMixed && { repeatable: { files: repeatable, rows: rows.filter(isOwnRow) } }),
  };
}

/** The repeatable part of a plan. */
interface RepeatablePlan<File> {
  readonly applied: readonly Pair<File>[];
  readonly pending: readonly File[];
  readonly repeats: readonly File[];
  readonly held: readonly File[];
  /** The unknown rows that are none of these files'. */
  readonly unknown: readonly HistoryRow[];
}

/**
 * Plans the repeatable files. One is applied when the text of its row is its own. A file that ran once in an earlier release
 * has the row from then, and that row is not unknown.
 *
 * @param lacking The rows for which no file that runs once is there.
 */
export function planRepeatable<File extends ComparedFile>(
  { files, rows }: Part<File>,
  lacking: readonly HistoryRow[],
): RepeatablePlan<File> {
  const own = new Map(rows.map((row) => [row.createdAt, row]));
  const former = new Set<HistoryRow>();
  const applied: Pair<File>[] = [];
  const repeats: File[] = [];
  const toRun: File[] = [];
  for (const file of files) {
    const before = lacking.filter((row) => isFormerRow(file, row));
    for (const each of before) former.add(each);
    const row = own.get(file.when) ?? before.find(({ hash }) => isSame(file, hash)) ?? before[0];
    if (row && isSame(file, row.hash)) {
      applied.push({ file, row });
      continue;
    }
    toRun.push(file);
    if (row) repeats.push(file);
  }
  const unknown = lacking.filter((row) => !former.has(row));
  // An older release must not put its texts back.
  return unknown.length > 0
    ? { applied, pending: [], repeats: [], held: toRun, unknown }
    : { applied, pending: toRun, repeats, held: [], unknown };
}

/** Whether it is the row of this file from when it ran once: by its name, by the time made of its name, or by its text. */
function isFormerRow(file: ComparedFile, { name, createdAt, hash }: HistoryRow): boolean {
  if (name !== null && name === file.historyName) return true;
  if (name === null && createdAt === identifyByName(file.historyName).when) return true;
  return isSame(file, hash);
}

function isSame({ sql, hash }: ComparedFile, rowHash: string): boolean {
  return sql === undefined ? hash === rowHash : hasText({ sql, hash }, rowHash);
}
