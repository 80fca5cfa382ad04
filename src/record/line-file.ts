import {
  closeSync,
  constants,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { readText } from '../core/foreign-value.ts';

/** A file that gets lines. */
export interface LineFile {
  /**
   * Returns when the lines are with the operating system: they outlive the process, however it ends.
   *
   * @throws Error when they cannot be written
   */
  write(lines: string): void;
  close(): void;
}

/** The streams that a process has already. A new file in their place would take them from the host. */
const openStreams: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };
/** How long a write may wait for the reader of a pipe. */
const patienceMs = 1_000;
const pauseMs = 20;
/** How often another process may be quicker to make the same file. */
const mostRaces = 10;

/**
 * Opens a new file for lines. A file of this name gets the ending `.previous`, so that the recording of a crash outlives the
 * restart. A device or a pipe is written to as it is.
 *
 * @throws Error when it cannot be made
 */
export function openLineFile(path: string): LineFile {
  const shared = openStreams[resolve(path)];
  const fd = shared ?? openNew(path);
  return {
    write: (lines) => writeAll(fd, lines),
    close: () => {
      if (shared === undefined) closeSync(fd);
    },
  };
}

function openNew(path: string): number {
  for (let race = 1; ; race += 1) {
    const found = statSync(path, { throwIfNoEntry: false });
    // Without waiting: a pipe that has no reader is an error then, and would hold up the whole process otherwise.
    if (found && !found.isFile()) return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      // A link leads to the folder where the host wants its file to be.
      const real = found ? realpathSync(path) : path;
      if (found) renameSync(real, `${real}.previous`);
      return openSync(real, 'wx');
    } catch (error) {
      const isRace = readText(error, 'code') === (found ? 'ENOENT' : 'EEXIST');
      if (!isRace || race === mostRaces) throw error;
    }
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  let waitedMs = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
      waitedMs = 0;
    } catch (error) {
      if (readText(error, 'code') !== 'EAGAIN') throw error;
      if (waitedMs >= patienceMs) throw new Error('its reader does not keep up', { cause: error });
      pause(pauseMs);
      waitedMs += pauseMs;
    }
  }
}

/** Holds the whole thread: the lines have to be written before anything else runs. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
