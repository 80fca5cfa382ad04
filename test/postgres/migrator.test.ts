import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { errorOf, firstWhen, migrateOptions, pluginWith, toPlugin } from './migration-fixture.ts';

const db = useDatabase();

const init = { '0000_init': 'create table t (id int);' };

describe('a plugin', () => {
  test('gets its schema, its tables and one history row a file, and tells each step', async () => {
    const pool = db.pool();
    const auth = await pluginWith('auth', {
      '0000_init': `create table users (id int);\n--> statement-breakpoint\ncreate table roles (id int);`,
      '0001_more': 'alter table users add column name text;',
    });
    const options = migrateOptions();

    expect(await migratePlugin(pool, auth, options)).toEqual({
      status: 'done',
      applied: ['0000_init.sql', '0001_more.sql'],
    });

    const { rows } = await db.query('select * from plugin_auth.__drizzle_migrations order by id');
    expect(rows).toEqual(
      auth.files.map(({ hash }, index) => {
        return { id: index + 1, hash, created_at: String(firstWhen + index * 1_000) };
      }),
    );
    const durationMs: unknown = expect.any(Number);
    const about = { plugin: 'auth', durationMs };
    const applying = { type: 'plugin.migrate.applying', plugin: 'auth', transaction: true };
    const executing = { type: 'plugin.migrate.executing', plugin: 'auth' };
    const executed = { type: 'plugin.migrate.executed', ...about };
    const first = { file: '0000_init.sql', statements: 2 };
    const second = { file: '0001_more.sql', statements: 1 };
    expect(options.told).toEqual([
      { ...applying, ...first, index: 1, of: 2 },
      { ...executing, ...first, statement: 1, line: 1, command: 'CREATE TABLE' },
      { ...executed, ...first, statement: 1 },
      { ...executing, ...first, statement: 2, line: 3, command: 'CREATE TABLE' },
      { ...executed, ...first, statement: 2 },
      { type: 'plugin.migrate.applied', ...about, file: '0000_init.sql' },
      { ...applying, ...second, index: 2, of: 2 },
      { ...executing, ...second, statement: 1, line: 1, command: 'ALTER TABLE' },
      { ...executed, ...second, statement: 1 },
      { type: 'plugin.migrate.applied', ...about, file: '0001_more.sql' },
    ]);
    expect(options.locks).toEqual([
      { backendPid: expect.any(Number) as number, connectMs: expect.any(Number) as number },
    ]);
  });

  test('that is up to date keeps what it has', async () => {
    const pool = db.pool();
    const twice = await pluginWith('twice', { '0000_init': 'create table t (id serial);' });
    await migratePlugin(pool, twice, migrateOptions());
    expect(await migratePlugin(pool, twice, migrateOptions())).toEqual({
      status: 'done',
      applied: [],
    });
  });

  test('gets nothing at all from a folder without migrations', async () => {
    await migratePlugin(db.pool(), await pluginWith('nothing', {}), migrateOptions());
    const { rows } = await db.query(`select 1 from pg_namespace where nspname = 'plugin_nothing'`);
    expect(rows).toEqual([]);
  });

  test('can use a new enum value in the file after the one that added it', async () => {
    const shop = await pluginWith('shop', {
      '0000_init': `create type state as enum ('new');--> statement-breakpoint\ncreate table o (s state);`,
      '0001_paid': `alter type state add value 'paid';`,
      '0002_use': `insert into o values ('paid');--> statement-breakpoint\nalter table o alter s set default 'paid';`,
    });
    expect(await migratePlugin(db.pool(), shop, migrateOptions())).toMatchObject({
      status: 'done',
      applied: { length: 3 },
    });
  });

  test('keeps its objects out of public, also those that generated SQL puts there', async () => {
    const fresh = await db.fresh();
    const shop = await pluginWith('shop', {
      '0000_init': `create type "public"."state" as enum ('a');--> statement-breakpoint\ncreate table "o" (s "public"."state");`,
    });
    await migratePlugin(fresh.pool(), shop, migrateOptions());
    const { rows } = await fresh.query(
      `select typname, typnamespace::regnamespace::text as schema from pg_type where typname in ('state', 'o') order by 1`,
    );
    expect(rows).toEqual([
      { typname: 'o', schema: 'plugin_shop' },
      { typname: 'state', schema: 'plugin_shop' },
    ]);
  });

  test('finds extensions in the schemas listed for them, and does not find public', async () => {
    const fresh = await db.fresh();
    await fresh.query('create schema ext; create function ext.answer() returns int return 42;');
    await fresh.query('create table public.secret (id int)');
    const pool = fresh.pool();
    const a = await pluginWith('a', { '0000_init': 'create table t (id int default answer());' });
    await migratePlugin(pool, a, migrateOptions({ migrations: { extensionSchemas: ['ext'] } }));

    const b = await pluginWith('b', { '0000_init': 'insert into secret values (1);' });
    const error = await errorOf(
      migratePlugin(pool, b, migrateOptions({ migrations: { extensionSchemas: ['ext'] } })),
    );
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42P01' } });
  });

  test('whose id needs quotes is a plugin like others', async () => {
    const odd = toPlugin('odd', (await pluginWith('odd', init)).files, `plugin_o"dd-'one`);
    await migratePlugin(db.pool(), odd, migrateOptions());
    const { rows } = await db.query(`select * from "plugin_o""dd-'one".t`);
    expect(rows).toEqual([]);
  });

  test('needs no right to create schemas when its schema is there', async () => {
    const fresh = await db.fresh();
    await fresh.query(
      `create role ${fresh.name} login; create schema plugin_a authorization ${fresh.name}`,
    );
    try {
      const url = new URL(fresh.url);
      url.username = fresh.name;
      const pool = fresh.pool({ connectionString: url.href });
      const a = await pluginWith('a', { ...init, '0001_more': 'alter table t add x int' });
      expect(await migratePlugin(pool, a, migrateOptions())).toMatchObject({ status: 'done' });

      const b = await pluginWith('b', init);
      expect(await errorOf(migratePlugin(pool, b, migrateOptions()))).toMatchObject({
        code: 'MIGRATION_FAILED',
        database: { sqlState: '42501' },
      });
      await pool.end();
    } finally {
      await fresh.query(`drop schema plugin_a cascade; drop role ${fresh.name}`);
    }
  });

  test('is migrated under none of the limits that its role or pool has for queries', async () => {
    const names = [
      'default_transaction_isolation',
      'idle_in_transaction_session_timeout',
      'idle_session_timeout',
      'lock_timeout',
      'statement_timeout',
    ];
    const values = ['serializable', 50, 50, 50, 50];
    const options = names.map((name, index) => `-c ${name}=${values[index]}`).join(' ');
    const limited = await pluginWith('limited', {
      '0000_init': [
        `create table s as select name, setting from pg_settings where name like any ('{%_timeout,transaction_isolation}')`,
        'select pg_sleep(0.15);',
      ].join('--> statement-breakpoint\n'),
    });
    const pool = db.pool({ options, query_timeout: 60 });
    const unlimited = migrateOptions({ migrations: { ddlLockTimeout: 0 } });
    expect(await migratePlugin(pool, limited, unlimited)).toMatchObject({ status: 'done' });

    const { rows } = await db.query(
      `select name, setting from plugin_limited.s where name = any($1) order by name`,
      [[...names, 'transaction_timeout', 'transaction_isolation']],
    );
    expect(rows).toContainEqual({ name: 'transaction_isolation', setting: 'read committed' });
    expect(rows).toContainEqual({ name: 'lock_timeout', setting: '0' });
    const limits = rows.filter(({ name }) => String(name).endsWith('_timeout'));
    expect(limits.map(({ setting }) => String(setting))).toEqual(limits.map(() => '0'));
  });

  test('with a statement timeout of its own fails when a statement takes longer', async () => {
    const slow = await pluginWith('too_slow', { '0000_init': 'select pg_sleep(10)' });
    const error = await errorOf(
      migratePlugin(db.pool(), slow, migrateOptions({ migrations: { statementTimeout: 50 } })),
    );
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '57014' } });
  });
});

describe('one pinned client', () => {
  test('is demanded: a pool that poses as a client is found out', async () => {
    const pool = db.pool({ max: 4 });
    // Each statement goes out on another connection, as through a pooler in transaction mode.
    let turn = 0;
    const clients = await Promise.all([1, 2, 3, 4].map(() => pool.connect()));
    const rotating = {
      connect: async () => ({
        query: (query: never) => {
          turn += 1;
          return clients[turn % clients.length]?.query(query) ?? Promise.reject(new Error('none'));
        },
        release: () => undefined,
      }),
    };
    const error = await errorOf(
      migratePlugin(rotating, await pluginWith('rotating', init), migrateOptions()),
    );
    for (const client of clients) client.release(true);

    expect(error).toMatchObject({ code: 'MIGRATION_WRONG_SCHEMA', plugin: 'rotating' });
    expect(error.message).toMatch(/backend \d+ answered, and backend \d+ holds the lock/);
    const { rows } = await db.query(`select 1 from pg_namespace where nspname = 'plugin_rotating'`);
    expect(rows).toEqual([]);
  });

  test('is destroyed after it ran migrations', async () => {
    const pool = db.pool();
    await migratePlugin(pool, await pluginWith('pinned', init), migrateOptions());
    expect(pool.totalCount).toBe(0);
  });

  test('gives the lock back before its session ends, also when a migration failed', async () => {
    // So slow that the end of the session cannot be what freed the lock.
    await using proxy = await startProxy(db.url, { delay: 400 });
    const pool = db.pool({ connectionString: proxy.url });
    const failing = await pluginWith('unlocking', { '0000_init': 'select 1/0' });
    await errorOf(migratePlugin(pool, failing, migrateOptions()));
    const { rows } = await db.query(
      `select 1 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
    );
    expect(rows).toEqual([]);
    await pool.end();
  });

  test('reports itself as slipway/<plugin>@<host>', async () => {
    const named = await pluginWith('named', {
      '0000_init': `create table t as select current_setting('application_name') as name, current_setting('client_connection_check_interval') as check`,
    });
    await migratePlugin(db.pool(), named, migrateOptions());
    const { rows } = await db.query('select * from plugin_named.t');
    expect(rows).toEqual([{ name: `slipway/named@${hostname()}`, check: '500ms' }]);
  });
});

test('keeps the history in a schema of its own where it is told, and finds it there again', async () => {
  const fresh = await db.fresh();
  const pool = fresh.pool();
  const host = { ...(await pluginWith('host', init)), schema: 'public', historySchema: 'drizzle' };
  expect(await migratePlugin(pool, host, migrateOptions())).toMatchObject({ status: 'done' });
  expect(await migratePlugin(pool, host, migrateOptions())).toEqual({
    status: 'done',
    applied: [],
  });
  const { rows } = await fresh.query(
    `select schemaname::text, tablename::text from pg_tables where schemaname in ('public', 'drizzle') order by 1, 2`,
  );
  expect(rows).toContainEqual({ schemaname: 'drizzle', tablename: '__drizzle_migrations' });
  expect(rows).not.toContainEqual({ schemaname: 'public', tablename: '__drizzle_migrations' });
});
