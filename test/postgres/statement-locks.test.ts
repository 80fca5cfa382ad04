import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type pg from 'pg';
import { lockModes, type LockMode } from '../../src/postgres/sql/lock-modes.ts';
import { readStatementLocks, type StatementLock } from '../../src/postgres/sql/statement-locks.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

const locksOf = (sql: string): readonly StatementLock[] =>
  readStatementLocks([sql], 'own', true)[0] ?? [];

const setup = `
  create schema own; set search_path = own;
  create table items (id int primary key, name text, other int);
  create table "Odd ""name" (id int primary key);
  create table notes (id int primary key, item int constraint notes_item references items);
  alter table notes add constraint positive check (id > 0) not valid;
  create index items_name on items (name);
  create view all_items as select * from items;
  create materialized view sums as select count(*) from notes;
  create unique index sums_unique on sums (count);
  create sequence numbers;
  create table parts (id int) partition by range (id);
  create table part1 partition of parts for values from (0) to (10);
  create table part2 (id int);
  create table base (id int);
  create function noop() returns trigger language plpgsql as 'begin return new; end';
  create trigger tick before insert on items for each row execute function noop();
  create rule quiet as on delete to part2 do instead nothing;
  create policy mine on items using (true);
  create type mood as enum ('a');
`;

let pool: pg.Pool;
let version = 0;
beforeAll(async () => {
  pool = db.pool({ max: 3, options: '-c search_path=own' });
  await pool.query(setup);
  const { rows } = await pool.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  version = rows[0]?.version ?? 0;
});
afterAll(() => pool.end());

const kinds = `select c.oid, c.relname as name, c.relkind::text as kind from pg_class c
  where c.relnamespace = 'own'::regnamespace`;
const held = `select relation as oid, mode from pg_locks where pid = $1 and locktype = 'relation' and granted
  and database = (select oid from pg_database where datname = current_database())`;

interface Known {
  readonly oid: number;
  readonly name: string;
  readonly kind: string;
}

/** The strongest lock that a session holds on each relation that was there before. */
async function strongestHeld(
  known: readonly Known[],
  pid: number,
): Promise<ReadonlyMap<string, LockMode>> {
  const { rows } = await pool.query<{ oid: number; mode: string }>(held, [pid]);
  const found = new Map<string, LockMode>();
  for (const { oid, mode } of rows) {
    const relation = known.find((each) => each.oid === oid);
    if (!relation) continue;
    const lock = toMode(mode);
    const other = found.get(relation.name);
    if (!other || lockModes.indexOf(lock) > lockModes.indexOf(other))
      found.set(relation.name, lock);
  }
  return found;
}

/** `ShareUpdateExclusiveLock` is SHARE UPDATE EXCLUSIVE. */
function toMode(mode: string): LockMode {
  const words = mode.replace(/Lock$/, '').replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return words.toUpperCase() as LockMode;
}

/** What is told has to be so, and what is a table and locked against writers or readers has to be told. */
function compare(
  told: readonly StatementLock[],
  actual: ReadonlyMap<string, LockMode>,
  known: readonly Known[],
): void {
  const named = told.flatMap(({ relation, lock }) =>
    relation === undefined ? [] : [[relation, lock]],
  );
  expect(named).toEqual(named.map(([relation = '']) => [relation, actual.get(relation)]));
  const unnamed = new Set(
    told.filter(({ relation }) => relation === undefined).map(({ lock }) => lock),
  );
  const silent = [...actual].filter(
    ([name, lock]) =>
      lockModes.indexOf(lock) > lockModes.indexOf('ROW SHARE') &&
      !told.some(({ relation }) => relation === name) &&
      !unnamed.has(lock) &&
      !unnamed.has('unknown') &&
      'rpmv'.includes(known.find((each) => each.name === name)?.kind ?? ''),
  );
  expect(silent).toEqual([]);
}

describe('what a statement is told to lock is what PostgreSQL locks:', () => {
  test.each([
    ["insert into items values (1, 'x')", { items: 'ROW EXCLUSIVE' }],
    ['update own."items" set name = name', { items: 'ROW EXCLUSIVE' }],
    ['delete from only "Odd ""name"', { 'Odd "name': 'ROW EXCLUSIVE' }],
    [
      'merge into items i using notes n on i.id = n.item when matched then do nothing',
      { items: 'ROW EXCLUSIVE' },
    ],
    ['truncate table base, only part2', { base: 'ACCESS EXCLUSIVE', part2: 'ACCESS EXCLUSIVE' }],
    ['lock items', { items: 'ACCESS EXCLUSIVE' }],
    [
      'lock table items, notes in share row exclusive mode',
      { items: 'SHARE ROW EXCLUSIVE', notes: 'SHARE ROW EXCLUSIVE' },
    ],
    ['create index on items (other)', { items: 'SHARE' }],
    [
      'CREATE UNIQUE INDEX IF NOT EXISTS fresh ON ONLY "items" USING btree (other)',
      { items: 'SHARE' },
    ],
    ['drop index if exists items_name', { items_name: 'ACCESS EXCLUSIVE' }],
    ['drop table base', { base: 'ACCESS EXCLUSIVE' }],
    ['drop view all_items', { all_items: 'ACCESS EXCLUSIVE' }],
    ['drop materialized view sums', { sums: 'ACCESS EXCLUSIVE' }],
    ['drop sequence numbers', { numbers: 'ACCESS EXCLUSIVE' }],
    ['create table fresh (id int primary key, x int)', {}],
    [
      'create table fresh (id int references items, n int references notes (id))',
      { items: 'SHARE ROW EXCLUSIVE', notes: 'SHARE ROW EXCLUSIVE' },
    ],
    [
      'create table part3 partition of parts for values from (20) to (30)',
      { parts: 'ACCESS EXCLUSIVE' },
    ],
    ['create table child () inherits (base)', { base: 'SHARE UPDATE EXCLUSIVE' }],
    ['create table fresh as select * from items', {}],
    ['create view fresh as select * from items', {}],
    ['create or replace view all_items as select * from items', { all_items: 'ACCESS EXCLUSIVE' }],
    ['create sequence fresh', {}],
    [
      'alter table items add column more int, add flag boolean default false',
      { items: 'ACCESS EXCLUSIVE' },
    ],
    ['alter table if exists only part2 drop column id', { part2: 'ACCESS EXCLUSIVE' }],
    ['alter table items alter column name set not null', { items: 'ACCESS EXCLUSIVE' }],
    ['alter table part2 alter id type bigint', { part2: 'ACCESS EXCLUSIVE' }],
    ['alter table items rename to things', { items: 'ACCESS EXCLUSIVE' }],
    ['alter table items rename column name to title', { items: 'ACCESS EXCLUSIVE' }],
    ['alter table items owner to current_user', { items: 'ACCESS EXCLUSIVE' }],
    ['alter table notes validate constraint positive', { notes: 'SHARE UPDATE EXCLUSIVE' }],
    ['alter table items alter column name set statistics 200', { items: 'SHARE UPDATE EXCLUSIVE' }],
    ['alter table items alter name set (n_distinct = 5)', { items: 'SHARE UPDATE EXCLUSIVE' }],
    [
      'alter table items set (fillfactor = 80, autovacuum_enabled = false)',
      { items: 'SHARE UPDATE EXCLUSIVE' },
    ],
    ['alter table items cluster on items_pkey', { items: 'SHARE UPDATE EXCLUSIVE' }],
    [
      'alter table items set (fillfactor = 80), validate constraint items_pkey1',
      { items: 'SHARE UPDATE EXCLUSIVE' },
    ],
    ['alter table items set (fillfactor = 80), add more int', { items: 'ACCESS EXCLUSIVE' }],
    ['alter table items disable trigger tick', { items: 'SHARE ROW EXCLUSIVE' }],
    [
      'alter table base add constraint fk foreign key (id) references items (id) on delete cascade',
      { base: 'SHARE ROW EXCLUSIVE', items: 'SHARE ROW EXCLUSIVE' },
    ],
    [
      'alter table base add column item int references "items"',
      { base: 'ACCESS EXCLUSIVE', items: 'SHARE ROW EXCLUSIVE' },
    ],
    ['alter table base add constraint c check (id > 0) not valid', { base: 'ACCESS EXCLUSIVE' }],
    ['alter table base add primary key (id)', { base: 'ACCESS EXCLUSIVE' }],
    ['alter table notes drop constraint notes_item', { notes: 'ACCESS EXCLUSIVE' }],
    [
      'alter table parts attach partition part2 for values from (10) to (20)',
      { parts: 'SHARE UPDATE EXCLUSIVE', part2: 'ACCESS EXCLUSIVE' },
    ],
    [
      'alter table parts detach partition part1',
      { parts: 'ACCESS EXCLUSIVE', part1: 'ACCESS EXCLUSIVE' },
    ],
    [
      'alter table part2 inherit base',
      { part2: 'ACCESS EXCLUSIVE', base: 'SHARE UPDATE EXCLUSIVE' },
    ],
    ['alter index items_name rename to items_title', { items_name: 'SHARE UPDATE EXCLUSIVE' }],
    ['alter index items_name set (fillfactor = 80)', { items_name: 'SHARE UPDATE EXCLUSIVE' }],
    ['alter sequence numbers increment by 2', { numbers: 'SHARE ROW EXCLUSIVE' }],
    ['alter sequence numbers rename to digits', { numbers: 'ACCESS EXCLUSIVE' }],
    ['alter view all_items rename to every_item', { all_items: 'ACCESS EXCLUSIVE' }],
    [
      'create trigger tock after update of name or delete on items for each row execute function noop()',
      { items: 'SHARE ROW EXCLUSIVE' },
    ],
    ['drop trigger tick on items', { items: 'ACCESS EXCLUSIVE' }],
    ['create rule no as on update to part2 do instead nothing', { part2: 'ACCESS EXCLUSIVE' }],
    ['drop rule quiet on part2', { part2: 'ACCESS EXCLUSIVE' }],
    ['create policy yours on items for select using (true)', { items: 'ACCESS EXCLUSIVE' }],
    ['drop policy mine on items', { items: 'ACCESS EXCLUSIVE' }],
    [
      'create statistics s (dependencies) on id, name from items',
      { items: 'SHARE UPDATE EXCLUSIVE' },
    ],
    ['refresh materialized view sums', { sums: 'ACCESS EXCLUSIVE' }],
    ['refresh materialized view concurrently sums', { sums: 'EXCLUSIVE' }],
    ['reindex index items_name', { items_name: 'ACCESS EXCLUSIVE' }],
    ['reindex (verbose) table items', { items: 'SHARE' }],
    ['comment on table items is $$a; lock notes$$', { items: 'SHARE UPDATE EXCLUSIVE' }],
    [`comment on column own.items.name is 'b'`, { items: 'SHARE UPDATE EXCLUSIVE' }],
    ['comment on column items.name is null', { items: 'SHARE UPDATE EXCLUSIVE' }],
    ['analyze items', { items: 'SHARE UPDATE EXCLUSIVE' }],
    ['cluster items using items_pkey', { items: 'ACCESS EXCLUSIVE' }],
    ['grant select on items to public', {}],
    [`alter type mood add value 'b'`, {}],
    [`create type fresh as enum ('a')`, {}],
    [`create function fresh() returns int begin atomic; select case when true then 1 end; end`, {}],
    [
      'lock notes in row share mode; truncate base; lock notes',
      { notes: 'ACCESS EXCLUSIVE', base: 'ACCESS EXCLUSIVE' },
    ],
  ])('%s', async (sql, expected) => {
    const told = locksOf(sql);
    expect(namedLocks(told)).toEqual(expected);
    if (sql.startsWith('merge') && version < 150_000) return;
    const client = await pool.connect();
    try {
      const { rows: known } = await pool.query<Known>(kinds);
      await client.query('alter table items add constraint items_pkey1 check (true) not valid');
      await client.query('begin');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await client.query(sql);
      compare(told, await strongestHeld(known, rows[0]?.pid ?? 0), known);
    } finally {
      await client.query('rollback');
      await client.query('alter table items drop constraint items_pkey1');
      client.release();
    }
  });

  test.each([
    ['create index concurrently late on items (other)', { items: 'SHARE UPDATE EXCLUSIVE' }],
    ['drop index concurrently items_name', { items_name: 'SHARE UPDATE EXCLUSIVE' }],
    ['reindex index concurrently items_pkey', { items_pkey: 'SHARE UPDATE EXCLUSIVE' }],
    ['reindex table concurrently items', { items: 'SHARE UPDATE EXCLUSIVE' }],
  ])('%s, while it waits for a transaction', async (sql, expected) => {
    const told = locksOf(sql);
    expect(namedLocks(told)).toEqual(expected);
    const [holder, client] = [await pool.connect(), await pool.connect()];
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    await holder.query('begin; update items set name = name');
    const { rows: known } = await holder.query<Known>(kinds);
    const running = client.query(sql);
    let actual: ReadonlyMap<string, LockMode>;
    do {
      await delay(10);
      actual = await strongestHeld(known, pid);
    } while (!Object.keys(expected).every((name) => actual.has(name)));
    compare(told, actual, known);
    await holder.query('rollback');
    await running;
    holder.release();
    client.release();
    if (sql.startsWith('drop')) await pool.query('create index items_name on items (name)');
  });
});

function namedLocks(told: readonly StatementLock[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    told.flatMap(({ relation, lock }) => (relation === undefined ? [] : [[relation, lock]])),
  );
}

describe('what a statement locks is unknown', () => {
  test.each([
    ['do $$ begin lock items; end $$'],
    ['select do_it()'],
    ['call do_it()'],
    ['with gone as (delete from items returning *) select * from gone'],
    ['drop table items cascade'],
    ['alter table notes drop constraint notes_item'],
    ['alter table notes drop item'],
    ['alter table items alter column id set data type bigint'],
    ['drop table notes'],
    ['create extension citext'],
    ['vacuum'],
    ['something new'],
  ])('of %s', (sql) => {
    expect(locksOf(sql)).toContainEqual({ lock: 'unknown' });
  });

  test('but not of a function whose body has statements', () => {
    const body = 'begin atomic; select case when true then 1 end; truncate items; end';
    expect(locksOf(`create function f() returns int ${body}; lock notes`)).toEqual([
      { lock: 'ACCESS EXCLUSIVE', relation: 'notes' },
    ]);
  });

  test('of several commands, beside what is known', () => {
    expect(locksOf('truncate items; select f()')).toEqual([
      { lock: 'ACCESS EXCLUSIVE', relation: 'items' },
      { lock: 'unknown' },
    ]);
  });
});

describe('a relation that an earlier statement has made', () => {
  const index = 'create index on "own"."items" (id)';

  test('is new: nobody else can wait for it', () => {
    expect(readStatementLocks(['create table items (id int)', index], 'own', true)).toEqual([
      [],
      [{ lock: 'SHARE', relation: 'items', isNew: true }],
    ]);
  });

  test.each([
    ['that may have been there', 'create table if not exists items (id int)', true],
    ['in a transaction of its own', 'create table items (id int)', false],
    ['of another schema', 'create table other.items (id int)', true],
  ])('is not, %s', (_, sql, inTransaction) => {
    expect(readStatementLocks([sql, index], 'own', inTransaction)[1]).toEqual([
      { lock: 'SHARE', relation: 'items' },
    ]);
  });
});
