import { beforeAll, describe, expect, test } from 'vitest';
import type { BootError } from '../../src/core/errors.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();

beforeAll(() =>
  db.query(`create schema plugin_a; create type plugin_a.mood as enum ('a');
    create table plugin_a.items (id int, code text);
    insert into plugin_a.items values (1, 'x'), (1, null);
    create view plugin_a.seen as select id from plugin_a.items;
    create table plugin_a.orders (id int primary key, item int);
    insert into plugin_a.orders values (7, 7);
    create table plugin_a.lines (id int references plugin_a.orders deferrable initially deferred);
    create policy mine on plugin_a.items;
    create function plugin_a.one() returns int language sql as 'select 1'`),
);

/** The hint of a file that fails; nothing of it is kept, so all files share a database. */
async function hintOf(sql: string, sqlState: string | RegExp | undefined): Promise<string> {
  const pool = db.pool();
  const plugin = await pluginWith('a', { '0000_a': sql });
  const error = (await errorOf(migratePlugin(pool, plugin, migrateOptions()))) as BootError;
  await pool.end();
  expect(error.database?.sqlState ?? 'none', error.message).toMatch(sqlState ?? 'none');
  return error.hint;
}

/** A DO block that fails as a server does whose disk or memory is full. */
function raise(sqlState: string, message: string, hint = ''): string {
  return `do $$ begin raise exception using errcode = '${sqlState}', message = '${message}', hint = '${hint}'; end $$`;
}

describe('what no schema has is named with how to get it:', () => {
  test.each([
    ['grant select on items to app', '42704', 'The server has no role app. A role belongs'],
    ['alter table items owner to "the.app"', '42704', 'The server has no role the.app.'],
    [
      'create policy p on items to authenticated',
      '42704',
      'The server has no role authenticated, one of those that come with Supabase and Neon. A role belongs to the whole server: let an administrator run CREATE ROLE "authenticated" NOLOGIN; or remove the statement from 0000_a.sql.',
    ],
    ['set local role service_role', '22023', 'The server has no role service_role, one of those'],
    ['create table t (id int) tablespace fast', '42704', 'No tablespace fast is on this server:'],
    ['create table t (a text collate "xx_X.Y")', '42704', 'The server has no collation xx_X.Y:'],
    ['do language plv8 $$ $$', '42704', 'The language plv8 comes with an extension:'],
    ['alter publication pub add table items', '42704', 'pub belongs to the whole database,'],
    ['grant connect on database nowhere to public', '3D000', 'The server has no database nowhere'],
    ['set local nonsense_timeout = 0', '42704', 'The server does not know the setting nonsense'],
    ['alter table items drop constraint c', '42704', 'The table in this database has no c: was'],
    [
      'comment on extension citext is null',
      '42704',
      'The extension citext is not in this database',
    ],
    [
      'create extension earthdistance schema public',
      '42704',
      'The extension needs another one, cube: make',
    ],
    ['select uuid_generate_v4()', '42883', 'uuid_generate_v4 comes with the extension uuid-ossp'],
    ['create table t (g geometry)', '42704', 'geometry comes with the extension postgis. The'],
    ['create index on items using hnsw (id)', '42704', 'hnsw comes with the extension vector. The'],
    // Before PostgreSQL 15 it is a file that is missing.
    [
      'do $$ begin create extension vector; end $$',
      /0A000|58P01/,
      'The package pgvector is missing',
    ],
    [
      `create extension citext schema public version '9'`,
      '22023',
      'The server does not have this version of',
    ],
  ])('%s', async (sql, sqlState, hint) => {
    expect((await hintOf(sql, sqlState)).slice(0, hint.length)).toBe(hint);
  });
});

describe('public without quotes is told with its line:', () => {
  const line = (number: number, name: string): string =>
    `Line ${number} of 0000_a.sql has public.${name}. Without quotes, public is never rewritten`;
  test.each([
    ['select 1;\ncreate table public.t ();', undefined, line(2, 't')],
    ['create table public.t ();\ninsert into t default values;', '42P01', line(1, 't')],
    ['create table t ();\ninsert into PUBLIC."t" default values;', '42P01', line(2, 't')],
    ['select 1;\n\nselect public.one();', '42883', line(3, 'one')],
  ])('%s', async (sql, sqlState, hint) => {
    expect((await hintOf(sql, sqlState)).slice(0, hint.length)).toBe(hint);
  });
});

describe('what only psql understands is told at the syntax error:', () => {
  test.each([
    ['select 1;\n\\i other.sql', 'Lines that begin with a backslash are commands of psql'],
    ['copy items from stdin;\n1\n\\.', 'COPY FROM STDIN needs data that a migration cannot send'],
    [
      `select :'name';`,
      `PostgreSQL does not know the variables of psql: write the value in place of :'name' in`,
    ],
  ])('%s', async (sql, hint) => {
    expect((await hintOf(sql, '42601')).slice(0, hint.length)).toBe(hint);
  });
});

describe('what stands against it is named with the way out:', () => {
  test.each([
    [
      'alter table items add column n int not null',
      '23502',
      'A row of "plugin_a"."items" has no value in n. A new column of a table with rows needs a DEFAULT;',
    ],
    [
      'create unique index on items (id)',
      '23505',
      'Rows of "plugin_a"."items" are duplicates. SELECT id, count(*) FROM "plugin_a"."items" GROUP BY id HAVING count(*) > 1; finds',
    ],
    [
      'alter table items add foreign key (id) references orders',
      '23503',
      'Rows of "plugin_a"."items" refer to rows that do not exist;',
    ],
    [
      'alter table items add constraint c check (id > 1)',
      '23514',
      'Rows of "plugin_a"."items" violate the constraint.',
    ],
    [
      'alter table items alter code type int using code::int',
      '22P02',
      'A value does not fit its type.',
    ],
    [
      'alter table items alter code type int',
      '42804',
      'PostgreSQL does not convert the values by itself:',
    ],
    [
      'alter table items alter id type bigint',
      '0A000',
      'A view uses the column: drop the view before',
    ],
    ['drop table items', '2BP01', 'The detail names what depends on it:'],
    [
      `create or replace view seen as select 'x' as id`,
      '42P16',
      'CREATE OR REPLACE VIEW can add columns',
    ],
    [
      'create table t (id int primary key, primary key (id))',
      '42P16',
      'Correct 0000_a.sql and start again.',
    ],
    [
      `create or replace function one() returns text language sql as 'select 1::text'`,
      '42P13',
      'CREATE OR REPLACE cannot change',
    ],
    [
      'insert into lines values (7); alter table lines add x int',
      '55006',
      'It is in use. When 0000_a.sql changes rows of a table and the table itself, put',
    ],
    ['set transaction read only; create table t ()', '25006', 'The transaction may not write:'],
    [
      `select set_config('search_path', '', true); create table t ()`,
      '3F000',
      'The search_path is empty:',
    ],
    [
      'set local temp_file_limit = 1; set local work_mem = 64; select count(*) from (select generate_series(1, 100000) order by 1) s',
      '53400',
      'A limit of the server is reached:',
    ],
    [
      `insert into items select 1, string_agg(md5(g::text), '') from generate_series(1, 5000) g; create index on items (code)`,
      '54000',
      'PostgreSQL has a fixed limit there.',
    ],
    [
      raise('53100', 'could not extend file: No space left on device'),
      '53100',
      'The disk of the server is full. Nothing is wrong with the file: make room',
    ],
    [raise('53200', 'out of memory'), '53200', 'The server has no memory left. Nothing is wrong'],
    [
      raise('53200', 'out of shared memory', 'increase "max_locks_per_transaction"'),
      '53200',
      'One transaction locks more tables and indexes',
    ],
    [
      raise('58030', 'could not write to file'),
      '58030',
      'The server could not use a file of its own:',
    ],
    [
      'create extension pg_stat_statements schema public; select * from public.pg_stat_statements',
      '55000',
      'The extension has to be loaded when the server starts:',
    ],
    [
      'do $$ begin truncate __drizzle_migrations; alter table __drizzle_migrations rename to old; end $$',
      '42P01',
      '0000_a.sql has dropped, renamed or changed the history of migrations',
    ],
  ])('%s', async (sql, sqlState, hint) => {
    expect((await hintOf(sql, sqlState)).slice(0, hint.length)).toBe(hint);
  });
});

describe('what is there already', () => {
  const there =
    'It exists already: made by hand, by another tool, or by a run whose history was lost.';

  test.each([
    ['create table items (); ', '42P07'],
    [`create type mood as enum ('b')`, '42710'],
    ['alter table items add column code text, add id int', '42701'],
    ['create table "public"."orders" (); create view "seen" as select 1', '42P07'],
    [`create function one() returns int language sql as 'select 2'`, '42723'],
  ])('counts as applied only when all of the file is there: %s', async (sql, sqlState) => {
    expect(await hintOf(sql, sqlState)).toMatch(
      new RegExp(String.raw`^${there} .* repair\.markApplied\('a', \['0000_a\.sql'\]\) marks`),
    );
  });

  test.each([
    [
      'create table items (); create table fresh (); create index by_id on items (id)',
      '42P07',
      'fresh, by_id of it were not found.',
    ],
    [
      'create table items (); alter table orders add total int',
      '42P07',
      'orders.total of it was not found.',
    ],
    [
      'create table fresh (); create policy mine on items',
      '42710',
      'because fresh of it was not found.',
    ],
    [
      'create table items (); insert into orders values (9)',
      '42P07',
      'cannot check the work of some of its commands',
    ],
    [
      'create schema plugin_a; create table t ()',
      '42P06',
      'Slipway makes the schema plugin_a before the first file: remove CREATE SCHEMA from',
    ],
    [
      'create schema public; create table t ()',
      '42P06',
      'write CREATE SCHEMA IF NOT EXISTS in 0000_a.sql',
    ],
    [
      'do $$ begin execute format($f$create role %I$f$, current_user); end $$; create table t ()',
      '42710',
      'Make it in 0000_a.sql only where it is missing: DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles',
    ],
    [
      'create extension plpgsql; create table t ()',
      '42710',
      'write CREATE EXTENSION IF NOT EXISTS in 0000_a.sql',
    ],
    ['create publication p; create publication p;', '42710', 'It belongs to the whole database'],
    [
      'create table __drizzle_migrations ()',
      '42P07',
      'Slipway makes the table __drizzle_migrations itself:',
    ],
    [
      'create table twice (); create table twice ()',
      '42P07',
      '0000_a.sql makes twice more than once.',
    ],
  ])('is never taken as applied with the rest of its file: %s', async (sql, sqlState, hint) => {
    const found = await hintOf(sql, sqlState);
    expect(found).toContain(hint);
    expect(found).not.toContain('markApplied');
  });
});

test('an extension that the role may not make is left to an administrator', async () => {
  const fresh = await db.fresh();
  const role = `r_${fresh.name}`;
  await fresh.query(
    `create role ${role} login; create schema ext; create schema plugin_a authorization ${role}; grant all on schema ext to ${role}`,
  );
  const url = new URL(fresh.url);
  url.username = role;
  const pool = fresh.pool({ connectionString: url.href });
  const plugin = await pluginWith('a', {
    '0000_a': 'create extension pg_stat_statements schema ext',
  });
  const error = (await errorOf(migratePlugin(pool, plugin, migrateOptions()))) as BootError;
  await pool.end();
  await fresh.query(`drop owned by ${role}; drop role ${role}`);
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42501' } });
  expect(error.hint).toContain(
    'make the extension pg_stat_statements. Let one of them run CREATE EXTENSION "pg_stat_statements"; in this database',
  );
});
