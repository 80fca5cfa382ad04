import { isRepeatable, type Migration, type SqlMigration } from './migration.ts';
import { hashText, hashWithLf, readHashedText, repeatableWhen } from './migration-identity.ts';
import { compareVersions } from './compare-versions.ts';
import { LongSql } from '../sql/long-text.ts';

/** Makes repeatable files of plain SQL files. */
export async function toRepeatable(
  files: readonly SqlMigration[],
): Promise<readonly SqlMigration[]> {
  const repeatable: SqlMigration[] = [];
  for (const file of files) {
    const when = repeatableWhen(file.historyName);
    repeatable.push({ ...file, when, hash: await hashWithLf(file), repeatable: true });
  }
  return repeatable;
}

/** Puts the repeatable files of all sources behind everything else, in the order of plain SQL files. */
export function putRepeatableLast(files: readonly Migration[]): readonly Migration[] {
  const last = files.filter(isRepeatable);
  if (last.length === 0) return files;
  const sorted = last.toSorted((one, other) => compareVersions(one.historyName, other.historyName));
  return [...files.filter((file) => !isRepeatable(file)), ...sorted];
}

/** Whether a row that was written before the file became repeatable has its text, with whichever line ends. */
export function hasText(
  { sql, hash }: Pick<SqlMigration, 'sql' | 'hash'>,
  formerHash: string,
): boolean {
  if (hash === formerHash) return true;
  if (sql instanceof LongSql) return false;
  const text = readHashedText(sql);
  const withCrlf = text.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n');
  return [text, withCrlf].some((each) => hashText(each) === formerHash);
}
