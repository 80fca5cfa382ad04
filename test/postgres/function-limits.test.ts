import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { describe, expect, test } from 'vitest';
import type { MigrationFunction } from '../../src/core/migration-source.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { toMigrations, type PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { useDatabase } from '../support/database.ts';
import { expectNothingOf, historyOf, items, type Run } from './function-fixture.ts';
import { coded, errorOf, migrateOptions, toPlugin } from './migration-fixture.ts';
import { wanderingPool } from './wandering.ts';

const db = useDatabase();

function unwrapped(id: string, run: Run): PluginMigrations {
  const list: readonly MigrationFunction[] = [{ name: 'alone', run, transaction: false }];
  return toPlugin(id, toMigrations(list));
}

describe('a function', () => {
  test.each([
    ['begin'],
    ['select 1; COMMIT'],
    ['rollback'],
    ['savepoint a'],
    ["prepare transaction 'x'"],
    ['set search_path = public'],
    ['set local search_path to public'],
  ])('that sends %s is refused, also when it does not mind', async (sql) => {
    const plugin = coded('control', {
      a: async (client, context) => {
        await items(client, context);
        await client.query(sql).catch(() => undefined);
      },
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED' });
    expect(error.message).toMatch(
      /is refused: the migration (is one transaction|runs in the schema)/,
    );
    await expectNothingOf(db, 'control');
  });

  test('that changes the path in another way is found out before its COMMIT', async () => {
    const plugin = coded('path', {
      a: (client) =>
        client.query(`do $$ begin perform set_config('search_path', 'public', true); end $$`),
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      code: 'MIGRATION_WRONG_SCHEMA',
      position: { file: 'a' },
    });
    await expectNothingOf(db, 'path');
  });

  test.each(["select 'it", 'select "it', 'select $$it', "select E'it", '/* it'])(
    'that sends %j, which is left open, sees no more than its own text in the error',
    async (sql) => {
      const plugin = coded('leftopen', { a: (client) => client.query(sql) });
      const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
      expect(error).toMatchObject({ code: 'MIGRATION_FAILED' });
      expect(error.message).toMatch(/unterminated .* at or near ".*it"/);
    },
  );

  test('that ends while a query of it still runs has failed, and the query goes nowhere else', async () => {
    const plugin = coded('early', {
      a: (client) => {
        void client.query('select pg_sleep(0.2)');
        void client.query('create table late (id int)');
      },
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error.message).toMatch(/a: run\(\) ended while a query of it was still running/);
    await expectNothingOf(db, 'early');
  });

  test('cannot use its client when it has ended', async () => {
    let later: (() => Promise<unknown>) | undefined;
    const plugin = coded('later', {
      a: (client) => {
        later = () => client.query('select 1');
      },
    });
    await migratePlugin(db.pool(), plugin, migrateOptions());
    await expect(later?.()).rejects.toThrow('this client was used after run() had ended');
  });

  test.each([
    [
      'a cursor',
      (client: Pick<ClientBase, 'query'>): unknown =>
        client.query({ submit: () => undefined } as never),
    ],
    ['nothing', (client: Pick<ClientBase, 'query'>): unknown => client.query(undefined as never)],
  ])('that calls query() with %s is refused', async (_, call) => {
    const plugin = coded('odd', {
      a: (client) => call(client),
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error.message).toMatch(/takes a text or a query config/);
  });

  /** A statement with values travels in another protocol, which has a guard of its own. */
  test.each([
    ['without values', 'create table wandered (id int)', undefined],
    ['with values', 'create table wandered as select $1::int as id', [1]],
  ])('whose statement %s reaches another session is undone there', async (_, sql, values) => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    const [pinned, other] = [await pool.connect(), await pool.connect()];
    const plugin = coded('wanderer', { a: (client) => client.query(sql, values) });
    const error = await errorOf(
      migratePlugin(wanderingPool(pinned, other), plugin, migrateOptions()),
    );
    pinned.release(true);
    other.release(true);
    expect(error).toMatchObject({ code: 'MIGRATION_WRONG_SCHEMA' });
    const { rows } = await fresh.query(`select to_regclass('public.wandered') as stray`);
    expect(rows).toEqual([{ stray: null }]);
  });
});

describe('a stop', () => {
  test('cancels the statement of a function, and nothing of it is kept', async () => {
    const stop = new AbortController();
    let heard = false;
    const plugin = coded('stopped', {
      a: async (client, context) => {
        context.signal.addEventListener('abort', () => (heard = true));
        await items(client, context);
        const sleeping = client.query('select pg_sleep(60)');
        stop.abort();
        await sleeping;
      },
    });
    const options = migrateOptions({ signal: stop.signal });
    expect(await migratePlugin(db.pool(), plugin, options)).toEqual({
      status: 'canceled',
      applied: [],
    });
    expect(heard).toBe(true);
    await expectNothingOf(db, 'stopped');
  });

  test('waits for a function that never ends until its deadline, and then for nobody', async () => {
    const stop = new AbortController();
    const cut = new AbortController();
    const plugin = coded('endless', {
      a: async (client, context) => {
        await items(client, context);
        stop.abort();
        await new Promise(() => undefined);
      },
    });
    const options = migrateOptions({ signal: stop.signal, cut: cut.signal });
    const running = migratePlugin(db.pool(), plugin, options);
    await once(stop.signal, 'abort');
    const first = await Promise.race([running, delay(300, 'still waiting')]);
    expect(first).toBe('still waiting');
    cut.abort();
    expect(await running).toEqual({ status: 'canceled', applied: [] });
    await expectNothingOf(db, 'endless');
  });
});

test('a function that waits for something else hears of a broken connection, and holds nobody up', async () => {
  let told: unknown;
  const plugin = coded('cut-off', {
    a: async (client, { signal }) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      signal.addEventListener('abort', () => (told = signal.reason));
      await db.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await new Promise(() => undefined);
    },
  });
  const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
  expect(error).toMatchObject({
    code: 'MIGRATION_CONNECTION_LOST',
    position: { file: 'a' },
    cause: { code: '57P01' },
  });
  expect(told).toMatchObject({ code: '57P01' });
  await expectNothingOf(db, 'cut-off');
});

describe('a function outside of a transaction', () => {
  test('builds an index CONCURRENTLY, and may have transactions of its own', async () => {
    const plugin = unwrapped('alone', async (client, context) => {
      await client.query('begin');
      await items(client, context);
      await client.query('commit');
      await client.query('create index concurrently items_name on items (name)');
      await client.query('select nope').catch(() => undefined);
      await client.query('insert into items values ($1)', [1]);
    });
    await migratePlugin(db.pool(), plugin, migrateOptions());
    expect(await historyOf(db, 'alone')).toEqual(['alone']);
  });

  test('that failed half-way runs again, and finds the index that it has built', async () => {
    let isBroken = true;
    const plugin = unwrapped('again', async (client) => {
      await client.query('create table if not exists items (id int)');
      await client.query('create index concurrently items_id on items (id)');
      await client.query('select nope').catch(() => undefined);
      if (isBroken) throw new Error('half-way');
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error.message).toMatch(/alone: half-way$/);
    expect(error).not.toHaveProperty('position.statement');
    expect(await historyOf(db, 'again')).toEqual([]);
    isBroken = false;
    expect(await migratePlugin(db.pool(), plugin, migrateOptions())).toMatchObject({
      applied: ['alone'],
    });
  });

  test('that meets a lock in a transaction of its own is tried again, outside of it', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    await migratePlugin(pool, coded('alone', { items }), migrateOptions());
    const holder = await pool.connect();
    await holder.query('begin; lock table plugin_alone.items');
    const { files } = unwrapped('alone', async (client) => {
      await client.query("begin; set local lock_timeout = '50ms'");
      await client.query('alter table items add more int; commit');
    });
    const options = migrateOptions({
      migrations: { ddlLockTimeout: 0 },
      emit: (news) => {
        if (news.type === 'plugin.migrate.retrying') void holder.query('rollback');
      },
    });
    const plugin = {
      ...coded('alone', { items }),
      files: [...coded('alone', { items }).files, ...files],
    };
    expect(await migratePlugin(pool, plugin, options)).toMatchObject({ applied: ['alone'] });
    holder.release();
  });

  test('has its whole path, whatever one before it has set', async () => {
    const paths: unknown[] = [];
    const run: Run = async (client, { schema }) => {
      const { rows } = await client.query(`select current_setting('search_path') as path`);
      paths.push(rows[0]?.path);
      await client.query(`set search_path = ${schema}`);
    };
    const list = ['a', 'b'].map((name) => ({ name, run, transaction: false as const }));
    const plugin = toPlugin('paths', toMigrations(list));
    await migratePlugin(
      db.pool(),
      plugin,
      migrateOptions({ migrations: { extensionSchemas: ['more'] } }),
    );
    expect(paths).toEqual(Array.from({ length: 2 }, () => 'plugin_paths, more'));
  });

  test.each([
    ['leaves a transaction open', 'begin; create table items (id int)', 'MIGRATION_FAILED'],
    ['leaves its schema', 'set search_path = public', 'MIGRATION_WRONG_SCHEMA'],
  ])('that %s has failed', async (_, sql, code) => {
    const id = code.toLowerCase();
    const plugin = unwrapped(id, (client) => client.query(sql));
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      code,
    });
    expect(await historyOf(db, id)).toEqual([]);
  });
});
