import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { withPatience } from '../../src/postgres/connection/connect-with-patience.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { findLoneCommand } from '../../src/postgres/sql/lone-commands.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

const items = 'create table items (id serial, name text);insert into items (name) values (1), (2);';
const index =
  '-- for search\nCREATE INDEX CONCURRENTLY IF NOT EXISTS "items_name" ON "items" USING btree ("name");';
const withIndex = {
  '0000_items': items,
  '0001_index': index,
  '0002_more': 'create table more ();',
};

const indexes = `select c.relname::text as name, i.indisvalid as valid from pg_index i
  join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'plugin_a'::regnamespace order by 1`;
const validOnes = async ({ query }: Pick<Database, 'query'>) => {
  const { rows } = await query<{ name: string; valid: boolean }>(indexes);
  return rows.filter(({ name }) => !name.startsWith('__')).map(({ name, valid }) => [name, valid]);
};

/** Somebody who keeps a build from ending; `ended` lets it go on. */
async function holdTable(pool: pg.Pool): Promise<{ readonly end: () => Promise<void> }> {
  const holder = await pool.connect();
  await holder.query('begin; insert into plugin_a.items (name) values (3)');
  return {
    end: async () => {
      await holder.query('rollback');
      holder.release(true);
    },
  };
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await delay(20);
}

async function installed(): Promise<Database> {
  const fresh = await db.fresh();
  await migratePlugin(
    fresh.pool(),
    await pluginWith('a', { '0000_items': items }),
    migrateOptions(),
  );
  return fresh;
}

describe('a file that refuses a transaction', () => {
  test('runs alone, between files that have one', async () => {
    const fresh = await db.fresh();
    const options = migrateOptions();
    expect(await migratePlugin(fresh.pool(), await pluginWith('a', withIndex), options)).toEqual({
      status: 'done',
      applied: ['0000_items.sql', '0001_index.sql', '0002_more.sql'],
    });
    expect(await validOnes(fresh)).toEqual([['items_name', true]]);
    const { rowCount } = await fresh.query('select from plugin_a.__drizzle_migrations');
    expect(rowCount).toBe(3);
    const about = { plugin: 'a', file: '0001_index.sql' };
    expect(options.told.map(({ type }) => type)).not.toContain('boot.warning');
    expect(options.told).toContainEqual(expect.objectContaining({ ...about, statements: 1 }));
  });

  test.each([
    ['VACUUM', 'vacuum (analyze) items;'],
    ['DROP INDEX CONCURRENTLY', 'drop index concurrently if exists nothing;'],
    ['REINDEX CONCURRENTLY', 'reindex table concurrently items;'],
    ['the mark', '-- slipway: no-transaction\ncall commits();'],
  ])('may be %s', async (_, sql) => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', {
      '0000_items': `${items}create procedure commits() language plpgsql as 'begin commit; end';`,
      '0001_lone': sql,
    });
    expect(await migratePlugin(fresh.pool(), plugin, migrateOptions())).toMatchObject({
      status: 'done',
      applied: { length: 2 },
    });
  });

  test('may be the first one of all', async () => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', { '0000_vacuum': 'VACUUM pg_class;' });
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    const { rowCount } = await fresh.query('select from plugin_a.__drizzle_migrations');
    expect(rowCount).toBe(1);
  });

  test('that fails leaves no row in the history, and the next start clears away what it has left', async () => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', {
      '0000_items': `${items}insert into items (name) values (1);`,
      '0001_unique': 'create unique index concurrently items_name on items (name);',
    });
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      database: { sqlState: '23505' },
      position: { file: '0001_unique.sql', statement: 1 },
      hint: expect.stringContaining('the next start handles what is left of it') as unknown,
    });
    expect(await validOnes(fresh)).toEqual([['items_name', false]]);

    await fresh.query('delete from plugin_a.items where id = 1');
    expect(await migratePlugin(fresh.pool(), plugin, migrateOptions())).toMatchObject({
      status: 'done',
    });
    expect(await validOnes(fresh)).toEqual([['items_name', true]]);
  });
});

describe('a file that was cut off in the middle', () => {
  test('of CREATE INDEX is healed by the next start, while others wait for the lock', async () => {
    const fresh = await installed();
    const plugin = await pluginWith('a', withIndex);
    const held = await holdTable(fresh.pool());
    const first = errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    await until(async () => (await validOnes(fresh)).length > 0);
    expect(await migratePlugin(fresh.pool(), plugin, migrateOptions())).toMatchObject({
      status: 'locked',
      holder: { applicationName: `slipway/a@${hostname()}` },
    });
    await fresh.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'slipway/a@${hostname()}' and datname = current_database()`,
    );
    expect(await first).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST' });
    expect(await validOnes(fresh)).toEqual([['items_name', false]]);

    await held.end();
    const options = migrateOptions();
    expect(await migratePlugin(fresh.pool(), plugin, options)).toEqual({
      status: 'done',
      applied: ['0001_index.sql', '0002_more.sql'],
    });
    expect(await validOnes(fresh)).toEqual([['items_name', true]]);
    expect(options.told.map(({ type }) => type)).not.toContain('boot.warning');
  });

  test('by a stop is canceled on the server, and healed in the same way', async () => {
    const fresh = await installed();
    const plugin = await pluginWith('a', withIndex);
    const held = await holdTable(fresh.pool());
    const stop = new AbortController();
    const running = migratePlugin(fresh.pool(), plugin, migrateOptions({ signal: stop.signal }));
    await until(async () => (await validOnes(fresh)).length > 0);
    stop.abort();
    expect(await running).toEqual({ status: 'canceled', applied: [] });
    await held.end();
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    expect(await validOnes(fresh)).toEqual([['items_name', true]]);
  });

  test('of REINDEX leaves no second index behind', async () => {
    const fresh = await installed();
    await fresh.query('create index items_name on plugin_a.items (name)');
    const plugin = await pluginWith('a', {
      '0000_items': items,
      '0001_reindex': 'REINDEX INDEX CONCURRENTLY items_name;',
    });
    const held = await holdTable(fresh.pool());
    const first = errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    await until(async () => (await validOnes(fresh)).length > 1);
    await fresh.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'slipway/a@${hostname()}' and datname = current_database()`,
    );
    await first;
    await held.end();
    expect(await validOnes(fresh)).toEqual([
      ['items_name', true],
      ['items_name_ccnew', false],
    ]);
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    expect(await validOnes(fresh)).toEqual([['items_name', true]]);
  });

  test('waits for somebody else who still builds that index, and takes it as done', async () => {
    const fresh = await installed();
    const pool = fresh.pool();
    const held = await holdTable(pool);
    const byHand = pool.query('create index concurrently items_name on plugin_a.items (name)');
    await until(async () => (await validOnes(fresh)).length > 0);
    const options = migrateOptions();
    const { clock, signal } = options;
    let sent = 0;
    const onStatement = (): void => void (sent += 1);
    const counting = withPatience(pool, { waitMs: 0, clock, signal, onStatement });
    const running = migratePlugin(counting, await pluginWith('a', withIndex), options);
    await until(async () => sent > 8);
    await held.end();
    await byHand;
    expect(await running).toMatchObject({ status: 'done', applied: { length: 2 } });
    expect(await validOnes(fresh)).toEqual([['items_name', true]]);
    expect(options.told).toContainEqual({
      type: 'boot.warning',
      plugin: 'a',
      message: '0001_index.sql: the index "items_name" exists already, and is taken as done',
    });
  });

  test('does not take an index of another table for its own', async () => {
    const fresh = await installed();
    await fresh.query(`set search_path = plugin_a; create table other (name text);
      create index items_name on other (name)`);
    const error = await errorOf(
      migratePlugin(fresh.pool(), await pluginWith('a', withIndex), migrateOptions()),
    );
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('index "items_name" already, on other') as unknown,
    });
  });
});

describe('the survey', () => {
  test.each([
    ['two commands', 'vacuum; analyze;', 'MIGRATION_MIXED_TRANSACTION'],
    [
      'a table and its index',
      'create table t (id int);--> statement-breakpoint\ncreate index concurrently i on t (id);',
      'MIGRATION_MIXED_TRANSACTION',
    ],
    ['an index without a name', 'create index concurrently on t (id);', 'MIGRATION_FILES_INVALID'],
  ])('finds %s', async (_, sql, code) => {
    const client = await db.pool().connect();
    const { problems } = await takeSurvey(client, [await pluginWith('a', { '0000_a': sql })]);
    client.release();
    expect(problems).toMatchObject([{ code, plugin: 'a', file: '0000_a.sql' }]);
  });
});

describe('whether a file needs to run outside of a transaction', () => {
  test.each([
    ['create index i on t (id)', undefined],
    ['-- create index concurrently\nselect 1', undefined],
    [`select 'x; vacuum'; select $$; vacuum $$`, undefined],
    ['create table "vacuum;vacuum" ()', undefined],
    ['create table concurrently ()', undefined],
    ['refresh materialized view concurrently v', undefined],
    [`alter type s add value 'x'`, undefined],
    ['/* a */ VACUUM', { kind: 'other' }],
    ['reindex (verbose) schema concurrently s', { kind: 'other' }],
    ['alter table a detach partition b concurrently', { kind: 'other' }],
    [
      'create unique index concurrently if not exists "a;b" on only "S"."t" (id)',
      { kind: 'createIndex', index: '"a;b"', table: '"S"."t"' },
    ],
    [
      'create index concurrently on_time on t(id)',
      { kind: 'createIndex', index: 'on_time', table: 't' },
    ],
    ['create index concurrently on t(id)', { kind: 'createIndex', table: 't' }],
    ['reindex (verbose) index concurrently "I"', { kind: 'reindex', what: 'index', name: '"I"' }],
  ])('is told of %s', (sql, lone) => {
    expect(findLoneCommand(new SqlText(sql))).toEqual(lone);
  });
});
