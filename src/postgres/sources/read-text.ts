import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readSync,
  statSync,
  type Dirent,
  type Stats,
} from 'node:fs';
import { BootError } from '../../core/errors.ts';
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

/** Snapshots and folders under way at once. */
export const readersAtOnce = 16;

/** The largest file that is read, in bytes: the text of a pending file is kept, and checked several times before the first DDL. */
export const largestFile = 64 * 1024 * 1024;

/** A file as it was read. */
export interface TextFile {
  readonly text: string;
  /** SHA-256 of its bytes, as Drizzle computes it. */
  readonly hash: string;
}

/**
 * Reads a file of SQL or JSON, which has to be UTF-8. A byte order mark stays in the text, because Drizzle hashes it too.
 * Waits for no writer: a FIFO, a socket, a device or a folder is refused before it is opened.
 *
 * @throws what `refuse` makes; its `cause` is the system's error when the file could not be opened.
 */
export async function readText(path: string, refuse: Refuse): Promise<TextFile> {
  await letOthersRun();
  const { descriptor, size } = openFile(path, refuse);
  try {
    // Some file systems say 0 for a file that has bytes.
    if (size === 0 || size > pieceBytes) return await readInPieces(path, descriptor, refuse);
    const bytes = Buffer.allocUnsafe(size);
    const length = readBytes(path, descriptor, bytes, 0, refuse);
    if (length < size) throw refuse(`${path} was changed while it was read`, { hint: tryAgain });
    return { text: decode(path, bytes, refuse), hash: hash('sha256', bytes) };
  } finally {
    closeSync(descriptor);
  }
}

const tryAgain = 'Boot again once the plugin is installed completely.';

/** The bytes that are read, hashed and decoded before everything else in this process may have a turn. */
const pieceBytes = 1024 * 1024;

async function readInPieces(path: string, descriptor: number, refuse: Refuse): Promise<TextFile> {
  const digest = createHash('sha256');
  const bytes = Buffer.allocUnsafe(pieceBytes);
  let text = '';
  let size = 0;
  let kept = 0;
  for (;;) {
    const read = readBytes(path, descriptor, bytes, kept, refuse);
    size += read;
    refuseLarge(path, size, refuse);
    const filled = bytes.subarray(0, kept + read);
    // The first bytes of a character whose rest comes with the next piece.
    const cut = read === 0 ? filled.length : endOfCharacters(filled);
    text += decode(path, filled.subarray(0, cut), refuse);
    digest.update(bytes.subarray(kept, kept + read));
    if (read === 0) return { text, hash: digest.digest('hex') };
    kept = filled.copy(bytes, 0, cut);
    await nextTurn();
  }
}

/** Where the last whole character ends; the end of bytes that are not UTF-8. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    // Neither one of several bytes, nor the first of them.
    if (byte < 0x80) break;
    if (byte >= 0xc0) return countBytes(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** How many bytes a character has, which is in its first one. */
function countBytes(first: number): number {
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}

function decode(path: string, bytes: Buffer, refuse: Refuse): string {
  // Another encoding would be read as other letters, and put them into the database.
  if (!isUtf8(bytes)) throw refuse(`${path} is not UTF-8`, { hint: 'Save it as UTF-8.' });
  if (bytes.includes(0)) {
    throw refuse(`${path} has a NUL character, which PostgreSQL does not accept`, {
      hint: 'Save it as UTF-8: UTF-16 has one in every letter.',
    });
  }
  return bytes.toString('utf8');
}

/**
 * Reads JSON, with or without a byte order mark.
 *
 * @throws what `refuse` makes
 */
export async function readJson(path: string, hint: string, refuse: Refuse): Promise<unknown> {
  const { text } = await readText(path, refuse);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
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

/** Whether an error of {@link readText} says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

/** Synchronously, as all reading here: see {@link letOthersRun}. */
function openFile(path: string, refuse: Refuse): { descriptor: number; size: number } {
  return orRefuse(path, refuse, () => {
    const found = statSync(path);
    refuseUnread(path, found, refuse);
    // Without waiting, should a FIFO have taken the place of the file since.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
    return { descriptor: openSync(path, flags), size: found.size };
  });
}

/** Fills the rest of a buffer, and returns how many bytes that took; the file may end before. */
function readBytes(
  path: string,
  descriptor: number,
  bytes: Buffer,
  from: number,
  refuse: Refuse,
): number {
  return orRefuse(path, refuse, () => {
    let end = from;
    while (end < bytes.length) {
      const read = readSync(descriptor, bytes, end, bytes.length - end, null);
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
  refuseLarge(path, found.size, refuse);
}

function refuseLarge(path: string, size: number, refuse: Refuse): void {
  if (size <= largestFile) return;
  const megabytes = Math.ceil(size / 1024 / 1024);
  throw refuse(`${path} has ${megabytes} MB, and the largest file that is read has 64 MB`, {
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
