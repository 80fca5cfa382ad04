import { readdirSync, statSync, type Dirent, type Stats } from 'node:fs';
import { DumpSql, isDump, openingLength } from '../sql/dump-sql.ts';
import { LongSql } from '../sql/long-text.ts';
import { SqlText } from '../sql/sql-text.ts';
import { letOthersRun } from '../sql/time-slices.ts';
import { megabyte, readFile, useLongFile, type FileVersion } from './read-file.ts';
import type { Refuse } from './refusal.ts';

/** Snapshots and folders under way at once. */
export const readersAtOnce = 16;

/** The largest file of SQL, in bytes. One command may be the whole file and is one message, and PostgreSQL takes less than 1 GB. */
const largestFile = 512 * megabyte;

/** The longest SQL that is read as one string, in bytes. Each question about it is answered in one go. */
const longestText = megabyte;

/** The longest dump of pg_dump that is read as one string, in bytes: tables, not data. */
const longestDump = 16 * megabyte;

/** The largest file of JSON, in bytes, which is parsed in one go. */
const largestJson = 64 * megabyte;

/** A file as it was read. */
export interface TextFile {
  /** Its SQL; of a long file, an outline that is read when it is needed. */
  readonly sql: SqlText;
  /** SHA-256 of its bytes, as Drizzle computes it. */
  readonly hash: string;
}

/**
 * Reads a file of SQL, which has to be UTF-8. A byte order mark stays in the text, because Drizzle hashes it too. Waits for no
 * writer: a FIFO, a socket, a device or a folder is refused before it is opened. Of a long file only the hash is kept. The file
 * is read again for the survey, and again when it is applied.
 *
 * @throws what `refuse` makes; its `cause` is the system's error when the file could not be opened.
 */
export async function readSql(path: string, refuse: Refuse): Promise<TextFile> {
  const read = await readFile(path, refuse, longestText, largestFile);
  if ('text' in read) return { sql: toSql(read.text), hash: read.hash };
  const { hash: digest, version } = read;
  if (version.size <= longestDump && (await beginsDump(path, version, refuse))) {
    const whole = await readFile(path, refuse, longestDump, longestDump);
    if ('text' in whole) return { sql: toSql(whole.text), hash: whole.hash };
  }
  return { sql: new LongSql((use) => useLongFile(path, version, refuse, use)), hash: digest };
}

function toSql(text: string): SqlText {
  return isDump(text) ? new DumpSql(text) : new SqlText(text);
}

/** Whether a long file is a dump: what pg_dump wrote for psql in it is found in the whole text only. */
function beginsDump(path: string, version: FileVersion, refuse: Refuse): Promise<boolean> {
  return useLongFile(path, version, refuse, async (source) =>
    isDump(source.read(0, openingLength).toString('utf8')),
  );
}

/**
 * Reads JSON, with or without a byte order mark.
 *
 * @throws what `refuse` makes
 */
export async function readJson(path: string, hint: string, refuse: Refuse): Promise<unknown> {
  const read = await readFile(path, refuse, largestJson, largestJson);
  try {
    return JSON.parse('text' in read ? read.text.replace(/^\uFEFF/, '') : '');
  } catch (cause) {
    throw refuse(`${path} is not JSON`, { hint, cause });
  }
}

/**
 * The entries of a folder of migrations.
 *
 * @throws what `refuse` makes when there is no such folder, or it may not be read.
 */
export async function listFolder(folder: string, refuse: Refuse): Promise<readonly Dirent[]> {
  await letOthersRun();
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const found = findKind(folder);
    if (found && !found.isDirectory()) {
      throw refuse(`${folder} is not a folder`, {
        hint: 'Give the folder that the migrations are in (the `out` of drizzle-kit), not a file in it.',
      });
    }
    throw refuse(`the folder ${folder} cannot be read`, {
      hint: found
        ? 'Make it readable for this process.'
        : 'Correct the path, and ship the folder with the plugin (bundlers leave it out).',
      cause,
    });
  }
}

function findKind(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Whether an error of {@link readSql} says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
