import { describe, expect, test } from 'vitest';
import type { BootError } from '../../src/core/errors.ts';
import type { MigrationOptions } from '../../src/core/settings.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();

const kept = ' Nothing of 0000_a.sql was kept.';

async function failWith(
  sql: string,
  database: Pick<Database, 'pool'>,
  changes: MigrationOptions = {},
): Promise<BootError> {
  const plugin = await pluginWith('a', { '0000_a': sql });
  const options = migrateOptions({ migrations: { rewritePublic: false, ...changes } });
  return (await errorOf(migratePlugin(database.pool(), plugin, options))) as BootError;
}

describe('what is somewhere else', () => {
  const others = `create extension citext schema public; create schema ext; create extension pg_trgm schema ext;
    create table public.users (id int); create schema plugin_b; create type plugin_b.level as enum ('a');
    create function plugin_b.f(int) returns int return 1;`;
  const fromCitext =
    'citext is in schema public, from extension citext: list public in migrations.extensionSchemas,';
  test.each([
    ['a type of an extension', 'create table t (c citext)', '42704', fromCitext],
    [
      'an operator class',
      'create table t (c text); create index on t using gin (c gin_trgm_ops)',
      '42704',
      'gin_trgm_ops is in schema ext, from extension pg_trgm: list ext in',
    ],
    [
      'a function of an extension',
      `select similarity('a', 'b')`,
      '42883',
      'similarity is in schema ext, from extension pg_trgm',
    ],
    [
      'a table in public',
      'insert into users values (1)',
      '42P01',
      'users is in schema public, which is not on the search_path: write public.users',
    ],
    [
      'a table without a position',
      'alter table users add x int',
      '42P01',
      'users is in schema public',
    ],
    [
      'a type of another plugin',
      'create table t (l level)',
      '42704',
      'level is in schema plugin_b, which',
    ],
    ['a function of another plugin', 'select f(1)', '42883', 'f is in schema plugin_b, which'],
    [
      'an extension that is not installed',
      'create table t (h hstore)',
      '42704',
      'hstore is an extension that is not installed: CREATE EXTENSION hstore SCHEMA',
    ],
    ['nothing at all', 'create table t (h hstoer)', '42704', 'Correct 0000_a.sql and start again.'],
  ])('is told of %s', async (_, sql, sqlState, hint) => {
    const fresh = await db.fresh();
    await fresh.query(others);
    const error = await failWith(sql, fresh);
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState } });
    expect(error.hint.startsWith(hint), error.hint).toBe(true);
    expect(error.hint.endsWith(kept), error.hint).toBe(true);
  });
});

describe('the hint', () => {
  test.each([
    [
      '42P07',
      'create table t (); create table t ()',
      /^The database does not have it: 0000_a\.sql/,
    ],
    ['42710', `create type s as enum ('a'); create type s as enum ('a')`, /^The database does not/],
    [
      '3F000',
      'create table nowhere.t ()',
      /^No schema has that name: correct 0000_a\.sql, or make/,
    ],
    [
      '55P04',
      `alter type public.e add value 'b'; insert into public.t values ('b')`,
      /^A new value of an enum can be used only after its COMMIT: use it in the next file\./,
    ],
    [
      '25001',
      'create table public.parted (id int) partition by list (id); reindex table public.parted',
      /^0000_a\.sql has a statement .* "-- slipway: no-transaction"\./,
    ],
    [
      '57014',
      'copy public.t from stdin',
      /^COPY FROM STDIN needs data .* INSERT in 0000_a\.sql, as pg_dump/,
    ],
    ['57014', 'select pg_sleep(9)', /^Raise migrations\.statementTimeout/],
  ])('of %s says what to do', async (sqlState, sql, hint) => {
    const fresh = await db.fresh();
    await fresh.query(`create type e as enum ('a'); create table t (e e)`);
    const changes = { statementTimeout: sql.includes('pg_sleep') ? 500 : 0 };
    const error = await failWith(sql, fresh, changes);
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState } });
    expect(error.hint).toMatch(hint);
  });

  test('of a statement that ran out of time names who holds a lock there', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    const holder = await pool.connect();
    await fresh.query('create table t ()');
    await holder.query('begin; lock table t');
    const error = await failWith('drop table public.t', fresh, {
      statementTimeout: 500,
      ddlLockTimeout: 0,
    });
    await holder.query('rollback');
    holder.release();
    expect(error).toMatchObject({ database: { sqlState: '57014' } });
    expect(error.hint).toMatch(
      /^Look at who holds a lock there: .* idle in transaction, .* on public\.t\)/,
    );
  });

  test('of a right that lacks says whose the object is, and who we are', async () => {
    const fresh = await db.fresh();
    const role = `r_${fresh.name}`;
    await fresh.query(
      `create role ${role} login; create schema plugin_a authorization ${role}; create table public.users ()`,
    );
    const url = new URL(fresh.url);
    url.username = role;
    const pool = fresh.pool({ connectionString: url.href });
    const error = await failWith('alter table public.users add x int', { pool: () => pool });
    await pool.end();
    await fresh.query(`drop owned by ${role}; drop role ${role}`);
    expect(error).toMatchObject({ database: { sqlState: '42501' } });
    expect(error.hint).toMatch(
      new RegExp(
        `^users belongs to \\w+, and the migration runs as ${role}: grant ${role} the right`,
      ),
    );
  });

  test('of a server without free connections says that they are taken', async () => {
    const fresh = await db.fresh();
    const role = `r_${fresh.name}`;
    await fresh.query(`create role ${role} login connection limit 1`);
    const limited = new URL(fresh.url);
    limited.username = role;
    const pool = fresh.pool({ connectionString: limited.href });
    const taken = await pool.connect();
    const error = await failWith('select 1', { pool: () => pool });
    taken.release();
    await pool.end();
    await fresh.query(`drop role ${role}`);
    expect(error).toMatchObject({
      code: 'MIGRATION_CONNECTION_LOST',
      database: { sqlState: '53300' },
    });
    expect(error.hint).toContain('All connections are taken: give the pools');
  });
});
