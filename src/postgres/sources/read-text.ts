import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  type Dirent,
  type Stats,
} from 'node:fs';
import { BootError } from '../../core/errors.ts';
import { countWholeBytes, type ByteSource } from '../sql/byte-source.ts';
import { LongSql } from '../sql/long-text.ts';
import { SqlText } from '../sql/sql-text.ts';
import { letOthersRun, nextTurn } from '../sql/time-slices.ts';

/** Makes the error for a migrations folder that cannot be used. */
export type Refuse = (
  message: string,
  facts?: { readonly hint?: string; readonly cause?: unknown },
) => BootError;

/** The {@link Refuse} of one plugin, `MIGRATION_FILES_INVALID`. */
export function refusalFor(plugin: string): Refuse {
  return (message, facts) =>
    new BootError('MIGRATION_FILES_INVALID', `The migrations of ${plugin}: ${message}`, {
      plugin,
      phase: 'migrateAll',
      ...facts,
    });
}

const megabyte = 1024 * 1024;

/** Snapshots and folders under way at once. */
export const readersAtOnce = 16;

/** The largest file of SQL, in bytes. One command may be the whole file and is one message, and PostgreSQL takes less than 1 GB. */
const largestFile = 512 * megabyte;

/** The longest SQL that is read as one string, in bytes. Each question about it is answered in one go. */
const longestText = megabyte;

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
  if ('text' in read) return { sql: new SqlText(read.text), hash: read.hash };
  const { hash: digest, version } = read;
  return { sql: new LongSql((use) => useLongFile(path, version, refuse, use)), hash: digest };
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

/** The facts that show whether a file is still the same, with the same text. */
type FileVersion = Pick<Stats, 'size' | 'mtimeMs' | 'ino'>;

type ReadFile =
  | { readonly text: string; readonly hash: string }
  | { readonly version: FileVersion; readonly hash: string };

/**
 * Reads a file.
 *
 * @param longest In bytes. Of a longer file, only the hash is returned.
 * @param largest In bytes. A larger file is refused.
 */
async function readFile(
  path: string,
  refuse: Refuse,
  longest: number,
  largest: number,
): Promise<ReadFile> {
  await letOthersRun();
  const { descriptor, found } = openFile(path, refuse);
  const { size } = found;
  try {
    refuseLarge(path, size, largest, refuse);
    // Some file systems say 0 for a file that has bytes.
    if (size === 0 || size > pieceBytes) {
      const isLong = size > longest;
      const most = isLong ? largest : longest;
      const read = await readInPieces(path, descriptor, { refuse, most, isKept: !isLong });
      return isLong ? { version: found, hash: read.hash } : read;
    }
    const bytes = Buffer.allocUnsafe(size);
    const length = readBytes(path, descriptor, bytes, 0, refuse);
    if (length < size) throw wasChanged(path, refuse);
    return { text: decode(path, bytes, refuse), hash: hash('sha256', bytes) };
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a long file again, and refuses one that is not as it was. */
async function useLongFile<Result>(
  path: string,
  version: FileVersion,
  refuse: Refuse,
  use: (source: ByteSource) => Promise<Result>,
): Promise<Result> {
  const { descriptor, found } = openFile(path, refuse);
  const expectSame = ({ size, mtimeMs, ino }: Stats): void => {
    const isSame = size === version.size && mtimeMs === version.mtimeMs && ino === version.ino;
    if (!isSame) throw wasChanged(path, refuse);
  };
  const read = (start: number, end: number): Buffer => {
    const bytes = Buffer.allocUnsafe(end - start);
    const length = readBytes(path, descriptor, bytes, 0, refuse, start);
    if (length < bytes.length) throw wasChanged(path, refuse);
    return bytes;
  };
  try {
    expectSame(found);
    const result = await use({ size: version.size, read });
    expectSame(orRefuse(path, refuse, () => fstatSync(descriptor)));
    return result;
  } finally {
    closeSync(descriptor);
  }
}

function wasChanged(path: string, refuse: Refuse): BootError {
  return refuse(`${path} was changed while it was read`, { hint: tryAgain });
}

const tryAgain = 'Boot again once the plugin is installed completely.';

/** The bytes that are read, hashed and decoded before everything else in this process may have a turn. */
const pieceBytes = megabyte;

interface Reading {
  readonly refuse: Refuse;
  /** The bytes that the file may have. */
  readonly most: number;
  /** Whether its text is made as well. */
  readonly isKept: boolean;
}

async function readInPieces(
  path: string,
  descriptor: number,
  { refuse, most, isKept }: Reading,
): Promise<{ readonly text: string; readonly hash: string }> {
  const digest = createHash('sha256');
  const bytes = Buffer.allocUnsafe(pieceBytes);
  let text = '';
  let size = 0;
  let kept = 0;
  for (;;) {
    const read = readBytes(path, descriptor, bytes, kept, refuse);
    size += read;
    refuseLarge(path, size, most, refuse);
    const filled = bytes.subarray(0, kept + read);
    // The first bytes of a character whose rest comes with the next piece.
    const cut = read === 0 ? filled.length : countWholeBytes(filled);
    const whole = filled.subarray(0, cut);
    refuseForeign(path, whole, refuse);
    if (isKept) text += whole.toString('utf8');
    digest.update(bytes.subarray(kept, kept + read));
    if (read === 0) return { text, hash: digest.digest('hex') };
    kept = filled.copy(bytes, 0, cut);
    await nextTurn();
  }
}

function decode(path: string, bytes: Buffer, refuse: Refuse): string {
  refuseForeign(path, bytes, refuse);
  return bytes.toString('utf8');
}

function refuseForeign(path: string, bytes: Buffer, refuse: Refuse): void {
  // Another encoding would be read as other letters, and put them into the database.
  if (!isUtf8(bytes)) throw refuse(`${path} is not UTF-8`, { hint: 'Save it as UTF-8.' });
  if (bytes.includes(0)) {
    throw refuse(`${path} has a NUL character, which PostgreSQL does not accept`, {
      hint: 'Save it as UTF-8: UTF-16 has one in every letter.',
    });
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

/** Synchronously, as all reading here: see {@link letOthersRun}. */
function openFile(path: string, refuse: Refuse): { descriptor: number; found: Stats } {
  return orRefuse(path, refuse, () => {
    const found = statSync(path);
    refuseUnread(path, found, refuse);
    // Without waiting, should a FIFO have taken the place of the file since.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
    return { descriptor: openSync(path, flags), found };
  });
}

/** Fills the rest of a buffer, and returns how many bytes that took; the file may end before. */
function readBytes(
  path: string,
  descriptor: number,
  bytes: Buffer,
  from: number,
  refuse: Refuse,
  position?: number,
): number {
  return orRefuse(path, refuse, () => {
    let end = from;
    while (end < bytes.length) {
      const place = position === undefined ? null : position + end - from;
      const read = readSync(descriptor, bytes, end, bytes.length - end, place);
      if (read === 0) break;
      end += read;
    }
    return end - from;
  });
}

function orRefuse<Result>(path: string, refuse: Refuse, use: () => Result): Result {
  try {
    return use();
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw refuse(`${path} cannot be read`, {
      hint: 'Ship it with the plugin, readable for this process, or restore it from version control.',
      cause,
    });
  }
}

function refuseUnread(path: string, found: Stats, refuse: Refuse): void {
  if (!found.isFile()) {
    throw refuse(`${path} is ${describeKind(found)}, not a file`, {
      hint: 'Put a regular file in its place.',
    });
  }
}

function refuseLarge(path: string, size: number, largest: number, refuse: Refuse): void {
  if (size <= largest) return;
  const [has, most] = [Math.ceil(size / megabyte), largest / megabyte];
  throw refuse(`${path} has ${has} MB, and the largest file that is read has ${most} MB`, {
    hint: 'Split it, or load its data with COPY once the boot is ready. If it is applied everywhere, you may replace it by a short text and call repair.acceptEdited().',
  });
}

function describeKind(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
