import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type pg from 'pg';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { readEffects, type StatementEffect } from '../../src/postgres/sql/statement-effects.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

const effectOf = (sql: string): StatementEffect => effectsOf([sql])[0]!;

function effectsOf(texts: readonly string[], inTransaction = true): readonly StatementEffect[] {
  return readEffects(
    texts.map((text) => new SqlText(text)),
    'own',
    inTransaction,
  );
}

const setup = `
  create schema own; set search_path = own;
  create table items (id int primary key, name text, other int);
  insert into items values (1, 'a', 1);
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

/** What a session holds that makes writers or readers wait, on relations that others can see. */
const held = `select relation as oid, mode from pg_locks where pid = $1 and locktype = 'relation' and granted
  and relation = any($2::oid[])`;
const blockingWriters = new Set(['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock']);

async function blockedBy(pid: number, known: readonly number[]): Promise<string> {
  const { rows } = await pool.query<{ mode: string }>(held, [pid, known]);
  const modes = rows.map(({ mode }) => mode);
  if (modes.includes('AccessExclusiveLock')) return 'readers';
  return modes.some((mode) => blockingWriters.has(mode)) ? 'writers' : 'none';
}

/** The files that tables are in: a table that is written anew has another one. */
const filesSql = `select c.oid, c.relkind::text as kind, pg_relation_filenode(c.oid) as file from pg_class c
  where c.relnamespace = 'own'::regnamespace`;

interface Known {
  readonly oid: number;
  readonly kind: string;
  readonly file: number | null;
}

const statements = {
  none: [
    "insert into items values (2, 'x')",
    'update own."items" set name = name',
    'delete from only "Odd ""name"',
    'merge into items i using notes n on i.id = n.item when matched then do nothing',
    'lock table items in row exclusive mode',
    'create table fresh (id int primary key, x int)',
    'create table child () inherits (base)',
    'create table fresh as select * from items',
    'create view fresh as select * from items',
    'create sequence fresh',
    'alter table notes validate constraint positive',
    'alter table items alter column name set statistics 200',
    'alter table items alter name set (n_distinct = 5)',
    'alter table items set (fillfactor = 80, autovacuum_enabled = false)',
    'alter table items cluster on items_pkey',
    'alter table items set (fillfactor = 80), validate constraint items_pkey1',
    'alter index items_name rename to items_title',
    'alter index items_name set (fillfactor = 80)',
    'create statistics s (dependencies) on id, name from items',
    'comment on table items is $$a; lock notes$$',
    `comment on column own.items.name is 'b'`,
    'comment on column items.name is null',
    'analyze items',
    'grant select on items to public',
    `alter type mood add value 'b'`,
    'drop type mood',
    `create type fresh as enum ('a')`,
    'create function fresh() returns int begin atomic; select case when true then 1 end; end',
  ],
  writers: [
    'lock table items, notes in share row exclusive mode',
    'create index on items (other)',
    'CREATE UNIQUE INDEX IF NOT EXISTS fresh ON ONLY "items" USING btree (other)',
    'create table fresh (id int references items, n int references notes (id))',
    'alter table items disable trigger tick',
    'alter table base add constraint fk foreign key (id) references items (id) on delete cascade',
    'alter sequence numbers increment by 2',
    'create trigger tock after update of name or delete on items for each row execute function noop()',
    'refresh materialized view concurrently sums',
    'create index on items (other); analyze items',
  ],
  readers: [
    'truncate table base, only part2',
    'lock items',
    'drop index if exists items_name',
    'drop table base',
    'drop table items cascade',
    'drop view all_items',
    'drop materialized view sums',
    'drop sequence numbers',
    'create table part3 partition of parts for values from (20) to (30)',
    'create or replace view all_items as select * from items',
    'alter table items add column more int, add flag boolean default false',
    'alter table if exists only part2 drop column id',
    'alter table items alter column name set not null',
    'alter table items rename to things',
    'alter table items rename column name to title',
    'alter table items owner to current_user',
    'alter table items set (fillfactor = 80), add more int',
    'alter table base add column item int references "items"',
    'alter table base add constraint c check (id > 0) not valid',
    'alter table base add primary key (id)',
    'alter table notes drop constraint notes_item',
    'alter table notes drop item',
    'alter table parts attach partition part2 for values from (10) to (20)',
    'alter table parts detach partition part1',
    'alter table part2 inherit base',
    'alter sequence numbers rename to digits',
    'alter view all_items rename to every_item',
    'drop trigger tick on items',
    'create rule no as on update to part2 do instead nothing',
    'drop rule quiet on part2',
    'create policy yours on items for select using (true)',
    'drop policy mine on items',
    'reindex index items_name',
    'reindex (verbose) table items',
    'lock notes in row share mode; truncate base; lock notes',
  ],
} as const;

describe('what a statement is told to block is what PostgreSQL blocks:', () => {
  const cases = Object.entries(statements).flatMap(([blocks, each]) =>
    each.map((sql) => [sql, blocks] as const),
  );
  test.each(cases)('%s', async (sql, blocks) => {
    await compare(sql, { blocks, rewrites: false });
  });

  test.each([
    ['create index concurrently late on items (other)', 'items'],
    ['drop index concurrently items_name', 'items_name'],
    ['reindex index concurrently items_pkey', 'items_pkey'],
    ['reindex table concurrently items', 'items'],
  ])('%s, while it waits for a transaction', async (sql, waitsFor) => {
    expect(effectOf(sql)).toEqual({ blocks: 'none', rewrites: false });
    const [holder, client] = [await pool.connect(), await pool.connect()];
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    await holder.query('begin; update items set name = name');
    const { rows: known } = await holder.query<Known>(filesSql);
    const running = client.query(sql);
    const isLocked = `select from pg_locks where pid = $1 and relation = $2::regclass and granted`;
    while ((await holder.query(isLocked, [pid, waitsFor])).rowCount === 0) await delay(10);
    expect(
      await blockedBy(
        pid,
        known.map(({ oid }) => oid),
      ),
    ).toBe('none');
    await holder.query('rollback');
    await running;
    holder.release();
    client.release();
    if (sql.startsWith('drop')) await pool.query('create index items_name on items (name)');
  });
});

describe('what a statement is told to write anew is what PostgreSQL writes anew:', () => {
  test.each([
    ['alter table part2 alter id type bigint'],
    ['alter table part2 alter column id set data type bigint, add x int'],
    ['alter table items add column more serial'],
    ['alter table items add more int generated always as (other + 1) stored'],
    ['alter table items add more uuid not null default gen_random_uuid()'],
    ['alter table base set unlogged'],
    ['refresh materialized view sums'],
    ['cluster items using items_pkey'],
  ])('%s', async (sql) => {
    await compare(sql, { blocks: 'readers', rewrites: true });
  });

  test.each([
    [`alter table items add more text default 'x' not null`],
    ['alter table items add more int not null default  -1'],
    ['alter table items add more timestamptz default now()'],
    [`alter table items add more text[] default array[]::text[]`],
    ['alter table items alter other set default random()'],
    ['alter table notes drop column item'],
    ['alter table items add constraint positive check (id > 0)'],
  ])('not %s', async (sql) => {
    await compare(sql, { blocks: 'readers', rewrites: false });
  });
});

/** Runs the statement, and compares its effect with the locks that are held and the tables that have another file. */
async function compare(
  sql: string,
  expected: { readonly blocks: string; readonly rewrites: boolean },
): Promise<void> {
  expect(effectOf(sql)).toEqual(expected);
  if (sql.startsWith('merge') && version < 150_000) return;
  const client = await pool.connect();
  try {
    await client.query('alter table items add constraint items_pkey1 check (true) not valid');
    const { rows: known } = await pool.query<Known>(filesSql);
    await client.query('begin');
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await client.query(sql);
    const oids = known.map(({ oid }) => oid);
    expect(await blockedBy(rows[0]?.pid ?? 0, oids)).toBe(expected.blocks);
    const { rows: after } = await client.query<Known>(filesSql);
    const rewritten = after.filter(({ oid, kind, file }) => {
      const before = known.find((each) => each.oid === oid);
      return 'rm'.includes(kind) && before && before.file !== file;
    });
    // TRUNCATE gives a table another file, and writes nothing into it.
    expect(rewritten.length > 0 && !sql.includes('truncate')).toBe(expected.rewrites);
  } finally {
    await client.query('rollback');
    await client.query('alter table items drop constraint items_pkey1');
    client.release();
  }
}

describe('what a statement blocks is unknown', () => {
  test.each([
    ['do $$ begin lock items; end $$'],
    ['select do_it()'],
    ['call do_it()'],
    ['with gone as (delete from items returning *) select * from gone'],
    ['drop function f cascade'],
    ['create extension citext'],
    ['something new'],
    ['create index on items (other); select f()'],
  ])('of %s', (sql) => {
    expect(effectOf(sql)).toEqual({ blocks: 'unknown', rewrites: false });
  });

  test('but not of a function whose body has statements', () => {
    const body = 'begin atomic; select case when true then 1 end; truncate items; end';
    const making = `create function f() returns int ${body}`;
    expect(effectOf(making).blocks).toBe('none');
    expect(effectOf(`${making}; lock notes`).blocks).toBe('readers');
  });

  test('of several commands, but of one that blocks readers: nothing could be worse', () => {
    expect(effectOf('truncate items; select f()').blocks).toBe('readers');
  });

  test('does not make a table that is written anew forgotten', () => {
    expect(effectOf('vacuum full items; select f()')).toEqual({
      blocks: 'readers',
      rewrites: true,
    });
  });
});

test('a statement may have more commands than a call may have arguments', () => {
  const { statements: one } = new SqlText('insert into items values (1);\n'.repeat(200_000));
  expect(readEffects(one, 'plugin_a', true)).toMatchObject([{ rewrites: false }]);
});

describe('a relation that an earlier statement has made', () => {
  const index = 'create index on "own"."items" (id)';
  const blocks = (texts: readonly string[], inTransaction = true): readonly string[] =>
    effectsOf(texts, inTransaction).map((effect) => effect.blocks);

  test('is new: nobody else can wait for it', () => {
    const table = 'create table items (id int, parent int references items)';
    expect(blocks([table, index, 'alter table items add x int', 'drop table items'])).toEqual(
      Array.from({ length: 4 }, () => 'none'),
    );
    const filled = `${table}; ${index}; insert into items select 1`;
    expect(blocks([filled])).toEqual(['none']);
  });

  test('is new, but what it points to is not', () => {
    const pointing = 'alter table items add foreign key (id) references notes';
    expect(blocks(['create table items (id int)', pointing])).toEqual(['none', 'writers']);
    expect(blocks(['create table items (id int)', 'drop table items, notes'])).toEqual([
      'none',
      'readers',
    ]);
  });

  test.each([
    ['that may have been there', 'create table if not exists items (id int)', true],
    ['in a transaction of its own', 'create table items (id int)', false],
    ['of another schema', 'create table other.items (id int)', true],
    ['that is replaced', 'create or replace view items as select 1', true],
  ])('is not, %s', (_, sql, inTransaction) => {
    expect(blocks([sql, index], inTransaction)[1]).toBe('writers');
  });
});
