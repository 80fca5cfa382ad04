import { hostname } from 'node:os';
import type { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { withPatience } from '../../src/postgres/connection/connect-with-patience.ts';
import type { ClientLike, PoolLike } from '../../src/postgres/connection/connection.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import type { PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { startBootProcess } from '../support/boot-process.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { withClient } from '../support/leaks.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { lookThroughPooler, untilFound, untouched } from '../support/server-sessions.ts';
import { errorOf, migrateOptions, pluginWith, type MigrateChanges } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();

/** The second file is slow as long as `public.slow` has a row. */
const slow = {
  '0000_init': 'create table counter (n int); insert into counter values (0);',
  '0001_slow': `update counter set n = n + 1;--> statement-breakpoint
    select pg_sleep(60) from public.slow;`,
};

/** A database whose second migration is slow, and pools of a pooler in front of it. */
async function startPooled(size = 2) {
  const database = await db.fresh();
  await database.query('create table public.slow (); insert into public.slow default values');
  const url = (await startPgBouncer({ mode: 'transaction', size })).through(database.url);
  return {
    database,
    url,
    pool: (max = 4) => database.pool({ connectionString: url, max }),
    expectHealed: async (plugin: PluginMigrations) => {
      await database.query('delete from public.slow');
      const pool = database.pool({ connectionString: url });
      // The server takes a moment to notice that somebody is gone.
      const healed = await untilUnlocked(() => migratePlugin(pool, plugin, pooledOptions()));
      expect(healed).toEqual({ status: 'done', applied: ['0001_slow.sql'] });
      const { rows } = await database.query(`select n from ${plugin.schema}.counter`);
      expect(rows).toEqual([{ n: 1 }]);
      await expectUntouched(url, size);
      await pool.end();
    },
  };
}

const pooledOptions = (changes: MigrateChanges = {}) =>
  migrateOptions({ keepsSession: false, ...changes });

describe.skipIf(!pgbouncer)('through a pooler in transaction mode', () => {
  test('a replica that is refused names the holder, and keeps neither client nor session', async () => {
    const { database, pool } = await startPooled();
    const a = await pluginWith('a', slow);
    const stop = new AbortController();
    const holding = migratePlugin(pool(), a, pooledOptions({ signal: stop.signal }));
    const { pid } = await untilSleeping(database);
    const waiters = pool();
    expect(await migratePlugin(waiters, a, pooledOptions())).toMatchObject({
      status: 'locked',
      holder: { pid, applicationName: `slipway/a@${hostname()}` },
    });
    expect(waiters.idleCount).toBe(1);
    // A replica on a direct connection is refused by the same lock.
    const direct = await migratePlugin(database.pool(), a, migrateOptions());
    expect(direct).toMatchObject({ status: 'locked', holder: { pid } });
    stop.abort();
    await holding;
  });

  test('and is refused while a session holds the lock', async () => {
    const { database, pool } = await startPooled();
    const a = await pluginWith('a', slow);
    await withClient(database.url, async (other) => {
      await other.query(`select pg_advisory_lock('${migrationLockKey(a.schema)}'::bigint)`);
      const told = pooledOptions();
      expect(await migratePlugin(pool(), a, told)).toMatchObject({
        status: 'locked',
        holder: { applicationName: 'test/admin' },
      });
      expect(told.told).toEqual([]);
    });
  });

  test('a file that another replica applies between two turns is not run again', async () => {
    const { database, pool } = await startPooled();
    await database.query('delete from public.slow');
    const a = await pluginWith('a', { ...slow, '0002_more': 'update counter set n = n + 1;' });
    const options = pooledOptions();
    const overtaken = beforeBegin(2, pool(), () =>
      migratePlugin(database.pool(), { ...a, files: a.files.slice(0, 2) }, migrateOptions()),
    );
    expect(await migratePlugin(overtaken, a, options)).toEqual({
      status: 'done',
      applied: ['0000_init.sql', '0002_more.sql'],
    });
    const applied = options.told.filter(({ type }) => type === 'plugin.migrate.applied');
    expect(applied).toMatchObject([{ file: '0000_init.sql' }, { file: '0002_more.sql' }]);
    const { rows } = await database.query('select n from plugin_a.counter');
    expect(rows).toEqual([{ n: 2 }]);
  });

  test('stopping cancels the statement on the server and keeps nothing of its file', async () => {
    const { database, url, pool, expectHealed } = await startPooled(1);
    const a = await pluginWith('a', slow);
    const stop = new AbortController();
    const running = migratePlugin(pool(), a, pooledOptions({ signal: stop.signal }));
    await untilSleeping(database);
    stop.abort();
    expect(await running).toEqual({ status: 'canceled', applied: ['0000_init.sql'] });
    await expectUntouched(url, 1);
    await expectHealed(a);
  });

  test('a backend that is terminated is told as a lost connection, and the next start heals it', async () => {
    const { database, pool, expectHealed } = await startPooled();
    const a = await pluginWith('a', slow);
    const running = errorOf(migratePlugin(pool(), a, pooledOptions()));
    const { pid } = await untilSleeping(database);
    await database.query('select pg_terminate_backend($1)', [pid]);
    expect(await running).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST', plugin: 'a' });
    await expectHealed(a);
  });

  test('a process that is killed lets its lock go, and the next start heals it', async () => {
    const { database, url, expectHealed } = await startPooled();
    const process = await startBootProcess();
    const order = { url, plugins: [{ id: 'a', migrations: await migrationFolder(slow) }] };
    process.carryOut(order).catch(() => undefined);
    await untilSleeping(database);
    await process.kill();
    await expectHealed(await pluginWith('a', slow));
  });

  test('a file behind a lock is tried again in a turn of its own, and tells who is in the way', async () => {
    const { database, pool } = await startPooled();
    await database.query('delete from public.slow');
    const a = await pluginWith('a', {
      ...slow,
      '0002_more': 'alter table counter add column x int;',
    });
    const files = a.files.slice(0, 2);
    await migratePlugin(pool(), { ...a, files }, pooledOptions());
    const retrying = deferred<UnstampedEvent>();
    const options = pooledOptions({
      migrations: { ddlLockTimeout: 50 },
      emit: (news) => {
        if (news.type === 'plugin.migrate.retrying') retrying.resolve(news);
      },
    });
    await withClient(database.url, async (reader) => {
      const { processID: pid } = reader as typeof reader & { readonly processID: number };
      await reader.query('begin; lock table plugin_a.counter in access share mode');
      const running = migratePlugin(pool(1), a, options);
      expect(await retrying.promise).toMatchObject({ file: '0002_more.sql', blockers: [{ pid }] });
      await reader.query('rollback');
      expect(await running).toEqual({ status: 'done', applied: ['0002_more.sql'] });
    });
  });

  test('files run under none of the limits that a database has for queries, and these stay', async () => {
    const { database, url, pool } = await startPooled();
    await database.query(`alter database ${database.name} set statement_timeout = '500ms'`);
    await database.query(`alter database ${database.name} set lock_timeout = '600ms'`);
    const a = await pluginWith('a', {
      '0000_init': 'create table t (id int);--> statement-breakpoint\nselect pg_sleep(0.7);',
    });
    expect(await migratePlugin(pool(), a, pooledOptions())).toMatchObject({ status: 'done' });
    for (const { limits } of await lookThroughPooler(url, 2)) expect(limits).toBe('600ms 500ms 0');
  });

  test('a file that needs a session is refused also when nobody has looked before', async () => {
    const { pool } = await startPooled();
    const a = await pluginWith('a', { '0000_vacuum': 'vacuum' });
    const refused = await errorOf(migratePlugin(pool(), a, pooledOptions()));
    expect(refused).toMatchObject({
      code: 'POOLER_UNSUPPORTED',
      position: { file: '0000_vacuum.sql' },
    });
  });
});

describe('with a lock for each file, a migration goes on', () => {
  const filesIn = (told: readonly UnstampedEvent[]) =>
    told.flatMap((event) =>
      event.type === 'plugin.migrate.applying'
        ? `${event.index} of ${event.of}: ${event.file}`
        : [],
    );
  const twoFiles = { '0000_a': 'create table a (id int);', '0001_b': 'create table b (id int);' };

  test('after another replica has had the lock in between', async () => {
    const a = await pluginWith('turns', twoFiles);
    const options = pooledOptions();
    await withClient(db.url, async (other) => {
      const key = migrationLockKey(a.schema);
      const taken = beforeBegin(2, db.pool(), () =>
        other.query(`select pg_advisory_lock('${key}'::bigint)`),
      );
      expect(await migratePlugin(taken, a, options)).toMatchObject({ status: 'locked' });
      expect(await migratePlugin(db.pool(), a, options)).toMatchObject({ status: 'locked' });
      await other.query('select pg_advisory_unlock_all()');
    });
    expect(await migratePlugin(db.pool(), a, options)).toEqual({
      status: 'done',
      applied: ['0001_b.sql'],
    });
    expect(filesIn(options.told)).toEqual(['1 of 2: 0000_a.sql', '1 of 1: 0001_b.sql']);
  });

  test('on another connection when one breaks between two files', async () => {
    const a = await pluginWith('breaks', twoFiles);
    const options = pooledOptions();
    const breaking = beforeBegin(2, db.pool(), (pid) =>
      db.query('select pg_terminate_backend($1)', [pid]),
    );
    const { clock, signal } = options;
    const patient = withPatience(breaking, { waitMs: 60_000, clock, signal });
    expect(await migratePlugin(patient, a, options)).toEqual({
      status: 'done',
      applied: ['0000_a.sql', '0001_b.sql'],
    });
    expect(filesIn(options.told)).toEqual(['1 of 2: 0000_a.sql', '1 of 1: 0001_b.sql']);
  });
});

test('files whose commit a crash of the server has lost run again, with schema and history', async () => {
  const a = await pluginWith('lost', {
    '0000_a': 'create table a (id int);',
    '0001_b': 'create table b (id int);',
  });
  const options = pooledOptions();
  const losing = beforeBegin(2, db.pool(), async (pid) => {
    await db.query('drop schema plugin_lost cascade');
    await db.query('select pg_terminate_backend($1)', [pid]);
  });
  const { clock, signal } = options;
  await migratePlugin(withPatience(losing, { waitMs: 60_000, clock, signal }), a, options);
  const { rows } = await db.query(
    `select to_regclass('plugin_lost.a') as a, to_regclass('plugin_lost.b') as b,
       (select count(*)::int from plugin_lost.__drizzle_migrations) as applied`,
  );
  expect(rows).toEqual([{ a: 'plugin_lost.a', b: 'plugin_lost.b', applied: 2 }]);
});

/** A pool on whose client something happens right before a transaction begins; they count from 1. */
function beforeBegin(
  which: number,
  pool: Pool,
  work: (pid: number | null | undefined) => Promise<unknown>,
): PoolLike {
  let begun = 0;
  return {
    async connect() {
      const client: ClientLike = await pool.connect();
      const query = client.query.bind(client);
      const querying: ClientLike['query'] = async (sent) => {
        const text = typeof sent === 'string' ? sent : sent.text;
        if (text.startsWith('begin') && ++begun === which) await work(client.processID);
        return query(sent);
      };
      return Object.assign(Object.create(client) as ClientLike, {
        query: querying,
        release: client.release.bind(client),
      });
    },
  };
}

async function expectUntouched(url: string, size: number): Promise<void> {
  for (const session of await lookThroughPooler(url, size)) {
    expect(session).toMatchObject(untouched);
  }
}

function untilSleeping(database: Database): Promise<{ readonly pid: number }> {
  return untilFound(
    database,
    `select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
  );
}

async function untilUnlocked<Result extends { readonly status: string }>(
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    const result = await attempt();
    if (result.status !== 'locked') return result;
  }
}
