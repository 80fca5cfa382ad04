import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { mapBounded } from '../../src/core/map-bounded.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { requireBuiltPackage } from '../support/built-package.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { runTypeScript } from '../support/run-typescript.ts';
import { applicationNames } from '../support/server-sessions.ts';
import { comingUp, goingDown, onceUp, type Place } from './ctrl-c-places.ts';

// Many processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 300_000 });

const db = useDatabase();
const program = fileURLToPath(new URL('./ctrl-c-program.ts', import.meta.url));
const processesAtOnce = 3;

test.each([
  ['before it is ready', comingUp, 130],
  ['once it was ready', onceUp, 0],
  ['while it stops because it has failed', goingDown, 1],
] as const)(
  'Ctrl-C in every phase %s stops the boot and leaves no session, no lock and no half-done file; the exit code is right',
  async (_, places, code) => {
    const ends = await mapBounded(
      Object.entries(places),
      processesAtOnce,
      async ([name, place]) => {
        return [name, await interrupt(name, place)] as const;
      },
    );
    const rightEnd: End = {
      code,
      says: ['SIGINT', 'boot.stopped'],
      sessions: [],
      locks: 0,
      halfFiles: 0,
    };
    expect(Object.fromEntries(ends)).toEqual(
      Object.fromEntries(Object.keys(places).map((name) => [name, rightEnd])),
    );
  },
);

/** How a program that was interrupted has ended, and what it has left. */
interface End {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string;
  /** That the signal was raised, and that the boot has come to its end after it. */
  readonly says: readonly string[];
  readonly sessions: readonly string[];
  readonly locks: number;
  /** Tables of files that were cut off. */
  readonly halfFiles: number;
}

async function interrupt(name: string, place: Place): Promise<End> {
  requireBuiltPackage();
  const fresh = await db.fresh();
  await using lock = place.lock
    ? await holdLock(fresh.url, migrationLockKey(`plugin_${place.lock}`))
    : undefined;
  const folders = await Promise.all(['catalog', 'wishlist'].map((id) => folderOf(id, place)));
  const child = spawn(process.execPath, [...runTypeScript, program, fresh.url, name, ...folders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  // One that hangs fails by its name.
  const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const output = await text(child.stdout);
  clearTimeout(late);
  const [code, signal] = (await ended) as [number | null, string | null];
  await lock?.release();
  await untilAlone(fresh);
  const { rows } = await fresh.query<Pick<End, 'locks' | 'halfFiles'>>(`
    SELECT
      (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS locks,
      (SELECT count(*)::int FROM pg_class WHERE relname = 'half') AS "halfFiles"`);
  return {
    code: signal ?? code ?? 'none',
    says: output.split('\n').filter((line) => line === 'SIGINT' || line === 'boot.stopped'),
    sessions: await applicationNames(fresh),
    locks: rows[0]?.locks ?? -1,
    halfFiles: rows[0]?.halfFiles ?? -1,
  };
}

/** Two files; the second one stands in its second statement when it is to be cut off there. */
function folderOf(id: string, { stands }: Place): Promise<string> {
  const second =
    stands === `file ${id}`
      ? ['CREATE TABLE half (id int);', 'SELECT pg_sleep(600);']
      : ['CREATE TABLE whole (id int);', 'SELECT 1;'];
  return migrationFolder({
    '0000_first': 'CREATE TABLE items (id int);',
    '0001_second': second.join('\n--> statement-breakpoint\n'),
  });
}

/** A session ends a moment after its client. One that works on for longer has been left behind. */
async function untilAlone(fresh: Database): Promise<void> {
  await vi
    .waitUntil(async () => (await applicationNames(fresh)).length === 0, {
      timeout: 10_000,
      interval: 20,
    })
    .catch(() => undefined);
}
