import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
  type Dirent,
  type Stats,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { BootError } from '../../core/errors.ts';

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

/** Files under way at once. */
export const readersAtOnce = 16;

/**
 * The largest file that is read. Every check before the first DDL reads a pending file as a whole, and nothing else runs in
 * this process meanwhile.
 */
export const largestFile = 64 * 1024 * 1024;

/**
 * Reads a file of SQL or JSON, which has to be UTF-8. A byte order mark stays in the text, because Drizzle hashes it too.
 * Waits for no writer: a FIFO, a socket, a device or a folder is refused before it is opened.
 *
 * @throws what `refuse` makes; its `cause` is the system's error when the file could not be opened.
 */
export async function readText(path: string, refuse: Refuse): Promise<string> {
  await letOthersRun();
  const bytes = readBytes(path, refuse);
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
  const text = await readText(path, refuse);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw refuse(`${path} is not JSON`, { hint, cause });
  }
}

/**
 * The entries of a folder.
 *
 * @throws what `refuse` makes
 */
export async function listFolder(folder: string, refuse: Refuse): Promise<readonly Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw refuse(`the folder ${folder} cannot be read`, {
      hint: 'Make it readable for this process.',
      cause,
    });
  });
}

/** Whether an error of {@link readText} says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

/** How long files are read before everything else in this process has a turn, in ms. */
const sliceMs = 2;
let sliceBeganAt = 0;

async function letOthersRun(): Promise<void> {
  if (performance.now() - sliceBeganAt < sliceMs) return;
  await new Promise(setImmediate);
  sliceBeganAt = performance.now();
}

/** Synchronously: for the small files of a folder, the way through the thread pool takes three times as long. */
function readBytes(path: string, refuse: Refuse): Buffer {
  try {
    refuseUnread(path, statSync(path), refuse);
    // Without waiting, should a FIFO have taken the place of the file since.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      refuseUnread(path, fstatSync(file), refuse);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
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
  if (found.size > largestFile) {
    const megabytes = Math.ceil(found.size / 1024 / 1024);
    throw refuse(`${path} has ${megabytes} MB, and the largest file that is read has 64 MB`, {
      hint: 'Split it, or load its data with COPY once the boot is ready. If it is applied everywhere, you may replace it by a short text and call repair.acceptEdited().',
    });
  }
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
