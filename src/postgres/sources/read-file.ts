import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import type { BootError } from '../../core/errors.ts';
import { countWholeBytes, type ByteSource } from '../sql/byte-source.ts';
import { letOthersRun, nextTurn } from '../sql/time-slices.ts';
import type { Refuse } from './refusal.ts';

export const megabyte = 1024 * 1024;

/** The facts that show whether a file is still the same, with the same text. */
export type FileVersion = Pick<Stats, 'size' | 'mtimeMs' | 'ino'>;

type ReadFile =
  | { readonly text: string; readonly hash: string }
  | { readonly version: FileVersion; readonly hash: string };

/**
 * Reads a file.
 *
 * @param longest In bytes. Of a longer file, only the hash is returned.
 * @param largest In bytes. A larger file is refused.
 */
export async function readFile(
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
export async function useLongFile<Result>(
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
