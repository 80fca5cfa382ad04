import { accessSync, constants, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { freemem } from 'node:os';
import { join } from 'node:path';

/** The folder that Linux keeps in memory, for everyone. */
const inMemory = '/dev/shm';

/** More than the databases, the logs of PostgreSQL and the installed packages of a run take together. */
const neededBytes = 4 * 1024 ** 3;

/**
 * Puts the temporary files of this process, and of those that it starts, into memory where there is room for them. Each new
 * database is 300 files, and ext4 makes a file ever more slowly when many have been removed in the minutes before: it passes
 * over the places of all of them. A `TMPDIR` that is set stays.
 */
export function keepTemporaryFilesInMemory(): void {
  if (process.env['TMPDIR'] === undefined && hasRoom() && runsPrograms()) {
    process.env['TMPDIR'] = inMemory;
  }
}

function hasRoom(): boolean {
  try {
    accessSync(inMemory, constants.W_OK);
    const { bavail, bsize } = statfsSync(inMemory);
    return Math.min(bavail * bsize, freemem()) >= neededBytes;
  } catch {
    return false;
  }
}

/** Containers often forbid it there, and tests run the programs of packages that they have installed. */
function runsPrograms(): boolean {
  const program = join(inMemory, `slipway-program-${process.pid}`);
  try {
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o700, flag: 'wx' });
    execFileSync(program);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(program, { force: true });
  }
}
