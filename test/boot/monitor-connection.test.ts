import { beforeEach, describe, expect, test } from 'vitest';
import type { BootOptions, Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { applicationNames, untilFound } from '../support/server-sessions.ts';
import {
  keeping,
  patient,
  progressOf,
  thirdSecond,
  useSessions,
  type OtherSession,
} from './watched-boot.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();
const openSession = useSessions();

let database: Database;
let holder: OtherSession;
beforeEach(async () => {
  database = await db.fresh();
  holder = await openSession(database.url, 'psql');
  await holder.query('SELECT pg_advisory_lock(42)');
});
const letGo = (): Promise<unknown> => holder.query('SELECT pg_advisory_unlock_all()');

const countMonitors = async (): Promise<number> =>
  (await applicationNames(database)).filter((name) => name.startsWith('slipway/monitor@')).length;
const untilNoMonitor = (): Promise<object> =>
  untilFound(
    database,
    `select 1 where not exists (select from pg_stat_activity
       where datname = current_database() and application_name like 'slipway/monitor@%')`,
  );

const waitingPlugins = async (...ids: readonly string[]): Promise<readonly Plugin[]> =>
  Promise.all(ids.map(async (id) => ({ id, migrations: await keeping() })));
const options = async (...ids: readonly string[]): Promise<BootOptions> => ({
  pool: database.url,
  migrations: patient,
  plugins: await waitingPlugins(...ids),
});

describe('the connection from which migrations are watched', () => {
  test('is one for any number of them, and is gone when the migrations are over', async () => {
    const { boot } = bootUnderTest(await options('a', 'b', 'c', 'd'));
    const seen = Promise.all(
      ['a', 'b', 'c', 'd'].map((id) => progressOf(boot, ({ plugin }) => plugin === id)),
    );
    const started = boot.start();
    for (const { blockers } of await seen) {
      expect(blockers).toMatchObject([{ pid: holder.processID, applicationName: 'psql' }]);
    }
    expect(await countMonitors()).toBe(1);
    await letGo();
    await started;
    await untilNoMonitor();
  });

  test('is not made for files that take less than a second', async () => {
    const { boot, recording } = bootUnderTest({
      pool: database.url,
      plugins: [{ id: 'a', migrations: [{ name: '0000_t', run: () => undefined }] }],
    });
    const looks: Promise<number>[] = [];
    boot.on('plugin.migrate.finished', () => looks.push(countMonitors()));
    await boot.start();
    expect(recording.of('plugin.migrate.progress')).toEqual([]);
    expect(await Promise.all(looks)).toEqual([0]);
  });

  test.each([
    ['a pool with room for no further client', async () => ({ pool: database.pool({ max: 1 }) })],
    [
      'a pooler in transaction mode',
      async () => {
        const pooler = await startPgBouncer({ mode: 'transaction', size: 2 });
        return { pool: pooler.through(database.url) };
      },
    ],
  ])('is not made for %s, and the boot is the same without it', async (what, makePool) => {
    if (what.includes('pooler') && !pgbouncer) return;
    const { boot, recording } = bootUnderTest({ ...(await options('a')), ...(await makePool()) });
    const later = thirdSecond(boot);
    const started = boot.start();
    await later;
    expect(await countMonitors()).toBe(0);
    expect(boot.state().headline).toMatch(/SELECT, has run for [\d.]+s \(0 of 1 migrated\)$/);
    await letGo();
    expect(await started).toMatchObject({ outcome: 'ready' });
    expect(recording.of('plugin.migrate.progress')).toEqual([]);
  });

  test('that breaks is made anew, and the boot is the same', async () => {
    const { boot, recording } = bootUnderTest(await options('a'));
    const seen = progressOf(boot);
    const started = boot.start();
    await seen;
    const findMonitor = `select pid from pg_stat_activity
      where datname = current_database() and application_name like 'slipway/monitor@%'`;
    const { pid } = await untilFound<{ pid: number }>(database, findMonitor);
    await holder.query('select pg_terminate_backend($1)', [pid]);
    await untilFound(database, `${findMonitor} and pid <> ${pid}`);
    await letGo();
    expect(await started).toMatchObject({ outcome: 'ready' });
    expect(recording.of('boot.waiting')).toEqual([]);
  });

  test('is gone after a migration that is canceled while it is watched', async () => {
    const { boot } = bootUnderTest(await options('a'));
    const seen = progressOf(boot);
    const failing = failureOf(boot.start());
    await seen;
    await boot.stop('SIGTERM');
    expect(await failing).toMatchObject({ code: 'BOOT_CANCELED' });
    await untilNoMonitor();
  });

  test('is gone after a migration whose session was ended while it is watched', async () => {
    const { boot, recording } = bootUnderTest(await options('a'));
    const seen = progressOf(boot);
    const failing = failureOf(boot.start());
    await seen;
    const [begun] = recording.of('plugin.migrate.started');
    await holder.query('select pg_terminate_backend($1)', [begun?.backendPid]);
    expect(await failing).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST' });
    await untilNoMonitor();
  });
});

/** A role with few rights, and as many connections as a test gives it. */
async function makeRole(connections = -1): Promise<string> {
  const role = `watched_${database.name}`;
  await database.query(`create role ${role} login connection limit ${connections}`);
  await database.query(`grant create on database ${database.name} to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  return url.href;
}
const dropRole = async (): Promise<void> => {
  const role = `watched_${database.name}`;
  await database.query(`drop owned by ${role} cascade`);
  await database.query(`drop role ${role}`);
};

describe('a role that may do little', () => {
  test('sees which session is in the way, and nothing of what that does', async () => {
    const { boot } = bootUnderTest({ ...(await options('a')), pool: await makeRole() });
    const seen = progressOf(boot);
    const started = boot.start();
    expect((await seen).blockers).toEqual([{ pid: holder.processID, applicationName: 'psql' }]);
    await letGo();
    await started;
    await boot.stop();
    await dropRole();
  });

  test('and whose connections are all taken migrates without being watched', async () => {
    const pool = await makeRole(1);
    const { boot, recording } = bootUnderTest({ ...(await options('a')), pool });
    const later = thirdSecond(boot);
    const started = boot.start();
    await later;
    await letGo();
    expect(await started).toMatchObject({ outcome: 'ready' });
    expect(recording.of('plugin.migrate.progress')).toEqual([]);
    expect(recording.of('boot.waiting')).toEqual([]);
    await boot.stop();
    await dropRole();
  });

  test('that loses the watch forgets what was seen, and migrates on', async () => {
    const pool = await makeRole();
    const { boot } = bootUnderTest({ ...(await options('a')), pool });
    const seen = progressOf(boot);
    const forgotten = progressOf(boot, ({ blockers }) => !blockers);
    const started = boot.start();
    await seen;
    expect(boot.state().headline).toContain('waits for a lock of psql');
    await database.query(`alter role watched_${database.name} connection limit 1`);
    await holder.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'slipway/monitor@%'`,
    );
    await forgotten;
    expect(boot.state().headline).not.toContain('psql');
    await letGo();
    expect(await started).toMatchObject({ outcome: 'ready' });
    await boot.stop();
    await dropRole();
  });

  test('gives its last connection to a migration rather than to the watch', async () => {
    const pool = await makeRole(3);
    const bothRun = deferred();
    let running = 0;
    const side = (id: string): Plugin => ({
      id,
      after: ['first'],
      migrations: [
        {
          name: '0000_side',
          run: () => {
            running += 1;
            if (running === 2) bothRun.resolve();
            return bothRun.promise;
          },
        },
      ],
    });
    const watched = deferred();
    const { boot, recording } = bootUnderTest({
      pool,
      migrations: patient,
      connect: { wait: '20s' },
      plugins: [
        ...(await waitingPlugins('a')),
        { id: 'first', migrations: [{ name: '0000_first', run: () => watched.promise }] },
        side('left'),
        side('right'),
      ],
    });
    void progressOf(boot).then(() => watched.resolve());
    void bothRun.promise.then(letGo);
    expect(await boot.start()).toMatchObject({ outcome: 'ready' });
    expect(recording.of('boot.waiting').length).toBeGreaterThan(0);
    await boot.stop();
    await dropRole();
  });
});
