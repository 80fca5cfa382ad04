import type { MigrationFile } from './migration-files.ts';
import type { HistoryRow } from './migration-history.ts';

/** What a file and a row have in common; only a row may lack the time. */
interface Mark {
  readonly when: number | null;
  readonly hash: string;
}

const keys: readonly ((mark: Mark) => string)[] = [
  ({ when, hash }) => `${when} ${hash}`,
  ({ when }) => String(when),
  ({ hash }) => hash,
];

/**
 * The files that the history does not know, in their order: a set difference, so that a file merged late with an older
 * `when` is not skipped. Files and rows are paired one to one: first by `when` and hash, then by `when` (an edited file stays
 * applied), then by hash (a journal that was written anew, a row without a time).
 *
 * Rows with equal time and hash count once: processes that ran without a lock wrote several for one file.
 */
export function pendingFiles<File extends Pick<MigrationFile, 'when' | 'hash'>>(
  files: readonly File[],
  rows: readonly HistoryRow[],
): readonly File[] {
  const marks = rows.map(({ createdAt, hash }): Mark => ({ when: createdAt, hash }));
  let openRows = [...new Map(marks.map((mark) => [`${mark.when} ${mark.hash}`, mark])).values()];
  let openFiles = files;
  for (const key of keys) {
    const paired = pairOff(openFiles, openRows, key);
    openFiles = paired.files;
    openRows = paired.rows;
  }
  return openFiles;
}

/** Takes away each file together with one row of the same key. */
function pairOff<File extends Mark>(
  files: readonly File[],
  rows: readonly Mark[],
  key: (mark: Mark) => string,
): { files: File[]; rows: Mark[] } {
  const waiting = new Map<string, Mark[]>();
  for (const row of rows) {
    const same = waiting.get(key(row));
    if (same) same.push(row);
    else waiting.set(key(row), [row]);
  }
  const unpaired = files.filter((file) => waiting.get(key(file))?.shift() === undefined);
  return { files: unpaired, rows: [...waiting.values()].flat() };
}
