import { describe, expect, test } from 'vitest';
import type { MigrationClient, MigrationFunction, Plugin } from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const table = { '0000_init': 'CREATE TABLE t (id int);', '0001_more': 'ALTER TABLE t ADD b int;' };

/** Plugins that come one after another. */
async function chain(...ids: readonly string[]): Promise<readonly Plugin[]> {
  return Promise.all(
    ids.map(async (id, index) => ({
      id,
      migrations: await migrationFolder(table),
      after: ids.slice(0, index),
    })),
  );
}

function coded(id: string, run: MigrationFunction['run'], more: Partial<Plugin> = {}): Plugin {
  return { id, migrations: [{ name: '0000_run', run, transaction: false }], ...more };
}

/** The backend of each plugin's migrations. */
function backendsOf({ recording }: BootUnderTest): Readonly<Record<string, number>> {
  return Object.fromEntries(
    recording.of('plugin.migrate.started').map(({ plugin, backendPid }) => [plugin, backendPid]),
  );
}

describe('the connection of a finished migration', () => {
  test('is handed over to the next one, and gone when all have ended', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool({ max: 5 });
    const under = bootUnderTest({ pool, plugins: await chain('a', 'b', 'c', 'd') });
    const left: number[] = [];
    under.boot.on('phase.finished', ({ phase }) => {
      if (phase === 'migrateAll') left.push(pool.totalCount - pool.idleCount);
    });
    await under.boot.start();
    const backends = Object.values(backendsOf(under));
    expect(backends).toHaveLength(4);
    expect(new Set(backends).size).toBe(1);
    expect(left).toEqual([0]);
    // What has run migrations is not the pool's again.
    const { rows } = await pool.query('select pg_backend_pid() as pid');
    expect(backends).not.toContain((rows as readonly { pid: number }[])[0]?.pid);
  });

  test('brings nothing of it along', async () => {
    const fresh = await db.fresh();
    const state = `select current_setting('shop.key', true) as key, current_setting('work_mem') as memory,
      (select count(*)::int from pg_prepared_statements where name = 'kept') as prepared,
      (select count(*)::int from pg_listening_channels()) as channels,
      (select count(*)::int from pg_class where relname = 'scratch') as tables,
      (select count(*)::int from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and objid = 4711) as locks`;
    const found: unknown[] = [];
    const under = bootUnderTest({
      pool: fresh.url,
      plugins: [
        coded('a', async (client) => {
          await client.query(`set shop.key = 'secret'; set work_mem = '7MB'; prepare kept as select 1;
            listen news; create temporary table scratch (id int); select pg_advisory_lock(4711)`);
          found.push((await client.query(state)).rows[0]);
        }),
        coded('b', async (client) => void found.push((await client.query(state)).rows[0]), {
          after: ['a'],
        }),
      ],
    });
    await under.boot.start();
    expect(new Set(Object.values(backendsOf(under))).size).toBe(1);
    const nothing = { prepared: 0, channels: 0, tables: 0, locks: 0 };
    expect(found).toEqual([
      { key: 'secret', memory: '7MB', prepared: 1, channels: 1, tables: 1, locks: 1 },
      { key: expect.toBeOneOf([null, '']) as unknown, memory: '4MB', ...nothing },
    ]);
  });

  test('is not handed over after a failure', async () => {
    const fresh = await db.fresh();
    const [b] = await chain('b');
    const under = bootUnderTest({
      pool: fresh.url,
      plugins: [
        coded('a', () => Promise.reject(new Error('no')), { required: false }),
        { ...b, id: 'b', after: ['a'] },
      ],
    });
    await under.boot.start();
    expect(under.recording.outcomes('migrate')).toEqual({ a: 'failed', b: 'done' });
    expect(new Set(Object.values(backendsOf(under))).size).toBe(2);
  });

  test.each([
    ['a setting', `set shop.greeted = 'yes'`],
    ['a role', 'set role pg_read_all_data'],
    ['a prepared statement', 'prepare hello as select 1'],
    ['a temporary table', 'create temporary table hello (id int)'],
    ['LISTEN', 'listen hello'],
  ])('is not handed over where the host gives each new one %s', async (_, greeting) => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    pool.on('connect', (client) => void client.query(greeting));
    const seen: unknown[] = [];
    const look = async (client: MigrationClient): Promise<void> => {
      const { rows } = await client.query(
        `select current_user <> session_user as role, current_setting('shop.greeted', true) as setting,
           pg_my_temp_schema() <> 0 as scratch, (select count(*)::int from pg_listening_channels()) as channels,
           (select count(*)::int from pg_prepared_statements) as prepared`,
      );
      seen.push(rows[0]);
    };
    await fresh.query('grant create on database ' + fresh.name + ' to pg_read_all_data');
    const plugins = [coded('a', look), coded('b', look, { after: ['a'] })];
    const under = bootUnderTest({ pool, plugins });
    await under.boot.start();
    expect(new Set(Object.values(backendsOf(under))).size).toBe(2);
    expect(seen[0]).toEqual(seen[1]);
  });

  test('is closed with the phase, when those that would come never do', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    const quickEnded = deferred();
    const [quick] = await chain('quick');
    const under = bootUnderTest({
      pool,
      plugins: [
        { ...quick, id: 'quick' },
        coded('failing', () => quickEnded.promise.then(() => Promise.reject(new Error('no')))),
        coded('never', () => Promise.resolve(), { after: ['failing'] }),
      ],
    });
    const out: number[] = [];
    under.boot.once('plugin.migrate.finished', () => quickEnded.resolve());
    under.boot.on('phase.finished', ({ phase }) => {
      if (phase === 'migrateAll') out.push(pool.totalCount - pool.idleCount);
    });
    await failureOf(under.boot.start());
    expect(out).toEqual([0]);
  });

  test('goes to a migration that waits for the pool', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool({ max: 2 });
    const taken = await pool.connect();
    try {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      const plugins = (await chain(...ids)).map((plugin) => ({ ...plugin, after: [] }));
      const under = bootUnderTest({ pool, plugins, migrations: { concurrency: 2 } });
      await under.boot.start();
      expect(new Set(Object.values(backendsOf(under))).size).toBe(1);
      expect(under.recording.of('boot.waiting')).toEqual([]);
    } finally {
      taken.release();
    }
  });
});

describe('connections', () => {
  test('are as many as migrations that run side by side', async () => {
    const fresh = await db.fresh();
    const ids = ['a', 'b', 'c', 'd'];
    let running = 0;
    const all = deferred();
    const plugins = ids.map((id) =>
      coded(id, async () => {
        running += 1;
        if (running === ids.length) all.resolve();
        await all.promise;
      }),
    );
    const under = bootUnderTest({ pool: fresh.url, plugins });
    await under.boot.start();
    expect(new Set(Object.values(backendsOf(under))).size).toBe(4);
  });

  test('that nobody takes over go at once to others who need their place in the pool', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool({ max: 2 });
    const [quick] = await chain('quick');
    const quickEnded = deferred();
    const under = bootUnderTest({
      pool,
      plugins: [
        { ...quick, id: 'quick' },
        coded('slow', async () => {
          await quickEnded.promise;
          await pool.query('select 1');
        }),
        coded('last', () => Promise.resolve(), { after: ['slow'] }),
      ],
    });
    under.boot.once('plugin.migrate.finished', () => quickEnded.resolve());
    await under.boot.start();
    expect(under.recording.outcomes('migrate')).toEqual({
      quick: 'done',
      slow: 'done',
      last: 'done',
    });
  });
});
