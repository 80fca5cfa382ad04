import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import type { MigrateOptions } from '../../src/postgres/migrate/migrating.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith, type MigrateChanges } from './migration-fixture.ts';

const db = useDatabase();

const items = { '0000_items': 'create table items (id int);' };
const more = {
  ...items,
  '0001_more': 'select 1;--> statement-breakpoint\nalter table items add more int;',
};

type Retrying = Extract<UnstampedEvent, { readonly type: 'plugin.migrate.retrying' }>;

/** Options that call `onRetry` each time a file is to be tried again. */
function retrying(
  onRetry: (news: Retrying) => void,
  { migrations, ...changes }: MigrateChanges = {},
): MigrateOptions & { readonly retries: readonly Retrying[] } {
  const retries: Retrying[] = [];
  const emit = (news: UnstampedEvent): void => {
    if (news.type !== 'plugin.migrate.retrying') return;
    retries.push(news);
    onRetry(news);
  };
  return {
    ...migrateOptions({ emit, migrations: { ddlLockTimeout: 60, ...migrations }, ...changes }),
    retries,
  };
}

/** A session of the application, in a transaction that has run `sql`. */
async function session(pool: pg.Pool, sql: string): Promise<pg.PoolClient> {
  const client = await pool.connect();
  await client.query(`set application_name = 'the-app'; begin; ${sql}`);
  return client;
}

async function end(client: pg.PoolClient, how: 'commit' | 'rollback'): Promise<void> {
  await client.query(how);
  client.release(true);
}

async function installed(): Promise<{ readonly fresh: Database; readonly pool: pg.Pool }> {
  const fresh = await db.fresh();
  const pool = fresh.pool();
  await migratePlugin(pool, await pluginWith('a', items), migrateOptions());
  return { fresh, pool };
}

/** Until a migration waits for a lock inside PostgreSQL. */
async function untilMigrationWaits({ query }: Pick<Database, 'query'>): Promise<void> {
  const waiting = `select from pg_stat_activity where application_name like 'slipway/%' and wait_event_type = 'Lock'
    and datname = current_database()`;
  while ((await query(waiting)).rowCount === 0) await delay(10);
}

describe('behind a lock', () => {
  test('a file is rolled back and tried again, and names who is in the way', async () => {
    const { fresh, pool } = await installed();
    const holder = await session(pool, 'select from plugin_a.items');
    const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid');
    let ended: Promise<void> | undefined;
    const options = retrying(({ attempt }) => {
      if (attempt === 2) ended = end(holder, 'rollback');
    });
    expect(await migratePlugin(pool, await pluginWith('a', more), options)).toEqual({
      status: 'done',
      applied: ['0001_more.sql'],
    });
    await ended;
    expect(options.retries[0]).toMatchObject({
      plugin: 'a',
      file: '0001_more.sql',
      attempt: 1,
      error: { code: '55P03' },
      blockers: [
        {
          pid: rows[0]?.pid,
          applicationName: 'the-app',
          relation: 'items',
          state: 'idle in transaction',
        },
      ],
    });
    const { rowCount } = await fresh.query('select from plugin_a.__drizzle_migrations');
    expect(rowCount).toBe(2);
  });

  test('the pauses are four times as long as the waits, and others get through in them', async () => {
    const { fresh, pool } = await installed();
    const holder = await session(pool, 'select from plugin_a.items');
    const reads: Promise<unknown>[] = [];
    let ended: Promise<void> | undefined;
    const options = retrying(({ attempt }) => {
      if (attempt < 3) reads.push(fresh.query('select from plugin_a.items'));
      // Nothing but the migration has waited for the holder.
      else ended = Promise.all(reads).then(() => end(holder, 'rollback'));
    });
    await migratePlugin(pool, await pluginWith('a', more), options);
    await ended;
    const pauses = options.retries.map(({ nextInMs }) => nextInMs);
    expect(pauses[0]).toBeGreaterThanOrEqual(4 * 60);
    expect(pauses[1]).toBeGreaterThanOrEqual(2 * 4 * 60);
  });

  test('it fails in the end, as ddlRetry says, with its place and who is in the way', async () => {
    const { pool } = await installed();
    const holder = await session(pool, 'lock table plugin_a.items');
    const options = retrying(() => undefined, { migrations: { ddlRetry: 400 } });
    const error = await errorOf(migratePlugin(pool, await pluginWith('a', more), options));
    await end(holder, 'rollback');
    expect(options.retries).toHaveLength(1);
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      database: { sqlState: '55P03' },
      position: { file: '0001_more.sql', statement: 2 },
      hint: expect.stringMatching(
        /the-app \(pid \d+, idle in transaction, .*on items\)/,
      ) as unknown,
    });
  });

  test.each(['signal', 'windDown'] as const)('a pause ends at once on %s', async (name) => {
    const { pool } = await installed();
    const holder = await session(pool, 'lock table plugin_a.items');
    const stop = new AbortController();
    const options = retrying(() => stop.abort(), {
      [name]: stop.signal,
      migrations: { ddlLockTimeout: 500 },
    });
    expect(await migratePlugin(pool, await pluginWith('a', more), options)).toEqual({
      status: 'canceled',
      applied: [],
    });
    await end(holder, 'rollback');
  });

  test('of a deadlock it is tried again, and the other one goes on', async () => {
    const { pool } = await installed();
    // Only the migration looks for deadlocks.
    const app = await session(pool, `set local deadlock_timeout = '1h'; lock table plugin_a.items`);
    const plugin = await pluginWith('a', {
      ...items,
      '0001_more':
        'select pg_advisory_xact_lock(7);--> statement-breakpoint\nalter table items add more int;',
    });
    let crossing: Promise<unknown> | undefined;
    let ended: Promise<void> | undefined;
    const retries: Retrying[] = [];
    const emit = (news: UnstampedEvent): void => {
      if (news.type === 'plugin.migrate.executed') {
        crossing ??= app.query('select pg_advisory_xact_lock(7)');
      }
      if (news.type !== 'plugin.migrate.retrying') return;
      retries.push(news);
      ended ??= (crossing ?? Promise.resolve()).then(() => end(app, 'commit'));
    };
    const options = migrateOptions({ emit, migrations: { ddlLockTimeout: 0 } });
    expect(await migratePlugin(pool, plugin, options)).toMatchObject({ status: 'done' });
    await ended;
    expect(retries[0]).toMatchObject({
      error: { code: '40P01' },
      blockers: [{ applicationName: 'the-app' }],
    });
  });
});

describe('when others are faster', () => {
  test('an extension that somebody else makes at the same time is no error', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    await fresh.query('create schema ext');
    const other = await session(pool, 'create extension hstore schema ext');
    const options = retrying(() => undefined, {
      migrations: { ddlLockTimeout: 0, extensionSchemas: ['ext'] },
    });
    const plugin = await pluginWith('a', {
      '0000_a': 'create extension if not exists hstore schema ext; create table t (h hstore);',
    });
    const running = migratePlugin(pool, plugin, options);
    await untilMigrationWaits(fresh);
    await end(other, 'commit');
    expect(await running).toMatchObject({ status: 'done' });
    expect(options.retries).toMatchObject([{ attempt: 1, error: { code: '23505' } }]);
  });

  test('neither is a grant', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    await fresh.query('create schema ext');
    const other = await session(pool, 'grant usage on schema ext to public');
    const options = retrying(() => undefined, { migrations: { ddlLockTimeout: 0 } });
    const plugin = await pluginWith('a', { '0000_a': 'grant create on schema ext to public;' });
    const running = migratePlugin(pool, plugin, options);
    await untilMigrationWaits(fresh);
    await end(other, 'commit');
    expect(await running).toMatchObject({ status: 'done' });
    expect(options.retries).toMatchObject([{ error: { message: 'tuple concurrently updated' } }]);
  });

  test('plugins that all make the same extension and grant the same rights all succeed', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool({ max: 6 });
    await fresh.query('create schema ext');
    const plugins = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((id) =>
        pluginWith(id, {
          '0000_extension':
            'create extension if not exists hstore schema ext; create table t (h hstore);',
          '0001_grant': 'grant usage on schema ext to public;',
          '0002_replace': `-- slipway: allow-outside
            create or replace function ext.f() returns int language sql as 'select 1';`,
        }),
      ),
    );
    const results = await Promise.all(
      plugins.map((plugin) =>
        migratePlugin(pool, plugin, migrateOptions({ migrations: { extensionSchemas: ['ext'] } })),
      ),
    );
    expect(results).toEqual(
      plugins.map(({ files }) => ({ status: 'done', applied: files.map(({ name }) => name) })),
    );
  });

  test("a duplicate in a plugin's own table is an error, at once", async () => {
    const options = retrying(() => undefined);
    const plugin = await pluginWith('doubles', {
      '0000_a': 'create table t (id int primary key); insert into t values (1), (1);',
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, options))).toMatchObject({
      code: 'MIGRATION_FAILED',
      database: { sqlState: '23505' },
    });
    expect(options.retries).toEqual([]);
  });
});
