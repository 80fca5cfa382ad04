import { describe, expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { rememberBeginningSql, strayObjectsSql } from '../../src/postgres/survey/stray-objects.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

/** Files say `"public"` in a way that is not read as the plugin's schema. */
const asWritten = { migrations: { rewritePublic: false } };

const outside = `
  create schema shared;
  create table shared.old (id int primary key);
  create type shared.level as enum ('a');
  create function shared.f() returns int language sql as 'select 1';
  create function shared.make() returns void language sql security definer
    as 'create table shared.by_function (id int)';
  create role $role;
  grant all on schema shared to $role;`;

async function withOthers(): Promise<{
  readonly fresh: Awaited<ReturnType<typeof db.fresh>>;
  readonly role: string;
  readonly dropRole: () => Promise<unknown>;
}> {
  const fresh = await db.fresh();
  const role = `r_${fresh.name}`;
  await fresh.query(outside.replaceAll('$role', role));
  return { fresh, role, dropRole: () => fresh.query(`drop owned by ${role}; drop role ${role}`) };
}

/** Everything that has a name, with its schema. */
const everything = `
  select n.nspname || '.' || x.name as name from (
    select relnamespace as schema, relname as name from pg_class union all
    select pronamespace, proname from pg_proc union all
    select typnamespace, typname from pg_type union all
    select extnamespace, extname from pg_extension union all
    select oid, '' from pg_namespace) x
  join pg_namespace n on n.oid = x.schema where n.nspname !~ '^(pg_|information_schema)' order by 1`;

describe('what a file makes outside of its schema', () => {
  test.each([
    ['a table', 'create table public.stray (id int)', ['table public.stray']],
    [
      'a table with a serial and an index',
      'create table shared.stray (id serial primary key)',
      ['sequence shared.stray_id_seq', 'table shared.stray'],
    ],
    ['a type', `create type public.stray as enum ('a')`, ['type public.stray']],
    ['a domain', `create domain public.stray as int`, ['type public.stray']],
    ['a view', 'create view public.stray as select 1', ['view public.stray']],
    ['a sequence', 'create sequence public.stray', ['sequence public.stray']],
    [
      'a function',
      `create function public.stray() returns int language sql as 'select 1'`,
      ['function public.stray()'],
    ],
    [
      'an operator',
      `create operator public.### (leftarg = int, rightarg = int, function = int4pl)`,
      ['operator public.###(integer,integer)'],
    ],
    ['a schema', 'create schema stray', ['schema stray']],
    [
      'a table in a new schema',
      'create schema stray create table t (id int)',
      ['schema stray', 'table stray.t'],
    ],
    [
      'a table in a DO block, in a subtransaction',
      `do $$ begin
         begin create table public.stray (id int); exception when others then null; end;
       end $$`,
      ['table public.stray'],
    ],
    [
      'a table in a subtransaction beside one that failed',
      `do $$ begin
         begin create table public.gone (id int); raise exception 'no'; exception when others then null; end;
         begin create table public.stray (id int); exception when others then null; end;
       end $$`,
      ['table public.stray'],
    ],
    ['a table through a function', 'select shared.make()', ['table shared.by_function']],
    [
      'a table of its own, moved',
      'create table mine (id int); alter table mine set schema public',
      ['table public.mine'],
    ],
    [
      'a function of others, replaced',
      `create or replace function shared.f() returns int language sql as 'select 2'`,
      ['function shared.f()'],
    ],
    ['a history of its own', 'create table drizzle_like.t ()', undefined],
  ])('%s', async (_, sql, names) => {
    const { fresh, dropRole } = await withOthers();
    if (names === undefined) await fresh.query('create schema drizzle_like');
    const before = await fresh.query(everything);
    const plugin = await pluginWith('a', { '0000_a': `create table own (id int);\n${sql};` });
    const error = await errorOf(
      migratePlugin(fresh.pool(), plugin, migrateOptions({ ...asWritten })),
    );
    const found = names ?? ['table drizzle_like.t'];
    expect(error).toMatchObject({
      code: 'MIGRATION_STRAY_OBJECTS',
      plugin: 'a',
      position: { file: '0000_a.sql' },
      message: `a could not be migrated: 0000_a.sql makes ${found.join(', ')} outside of the plugin's schema`,
    });
    const { hint } = error as Error & { hint: string };
    expect(hint).toContain('-- slipway: allow-outside');
    expect(hint.includes('CREATE SCHEMA')).toBe(found.every((name) => name.startsWith('schema ')));
    expect((await fresh.query(everything)).rows).toEqual(before.rows);
    await dropRole();
  });

  test('that is an extension in its own schema is told what is wrong with that', async () => {
    const fresh = await db.fresh();
    const sql = 'create table own (); do $$ begin create extension hstore; end $$';
    const plugin = await pluginWith('a', { '0000_a': sql });
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions(asWritten)));
    expect(error).toMatchObject({
      code: 'MIGRATION_STRAY_OBJECTS',
      message:
        'a could not be migrated: 0000_a.sql makes extension hstore in schema plugin_a, where no other plugin finds it',
    });
    expect((error as Error & { hint: string }).hint).toMatch(/^Write CREATE EXTENSION … SCHEMA/);
    expect(
      (await fresh.query(`select from pg_namespace where nspname = 'plugin_a'`)).rowCount,
    ).toBe(0);
  });

  test('of a long list is told by the first, the last and the number', async () => {
    const tables = Array.from({ length: 12 }, (_, index) => `create table public.s${index} ();`);
    const plugin = await pluginWith('many', { '0000_a': tables.join('\n') });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions(asWritten)));
    expect(error.message).toMatch(/table public\.s0 … table public\.s\d+ \(12 in all\) outside/);
  });

  test('is kept when the file says so', async () => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', {
      '0000_a': '-- slipway: allow-outside\ncreate schema shared;\ncreate extension hstore;',
    });
    expect(await migratePlugin(fresh.pool(), plugin, migrateOptions())).toMatchObject({
      status: 'done',
    });
    const { rowCount } = await fresh.query(`select from pg_namespace where nspname = 'shared'`);
    expect(rowCount).toBe(1);
  });

  test.each([
    ['warn', [expect.stringMatching(/^0000_a\.sql made schema shared, table shared\.t outside/)]],
    ['off', []],
  ] as const)('is kept with strayObjects: %s', async (strayObjects, warnings) => {
    const fresh = await db.fresh();
    const options = migrateOptions({ migrations: { strayObjects } });
    const plugin = await pluginWith('a', {
      '0000_a': 'create schema shared; create table shared.t();',
    });
    await migratePlugin(fresh.pool(), plugin, options);
    const told = options.told.flatMap((news) =>
      news.type === 'boot.warning' ? [news.message] : [],
    );
    expect(told).toEqual(warnings);
    expect((await fresh.query('select from shared.t')).rowCount).toBe(0);
  });
});

describe('what only touches others', () => {
  test.each([
    ['a temporary table', 'create temp table t (id serial primary key)'],
    ['a temporary table and function', 'create function pg_temp.f() returns int return 1'],
    [
      'a foreign key to another schema',
      'create table t (id int references shared.old on delete cascade)',
    ],
    [
      'a column of a foreign type',
      'create table t (l shared.level default shared.f()::text::shared.level)',
    ],
    ['a grant', 'grant select on shared.old to $role; grant usage on schema shared to $role'],
    [
      'default privileges',
      'alter default privileges in schema shared grant select on tables to $role',
    ],
    ['a comment', `comment on table shared.old is 'x'; comment on schema shared is 'y'`],
    ['an owner', 'alter table shared.old owner to $role'],
    ['a column', 'alter table shared.old add column more int'],
    ['a label of an enum', `alter type shared.level add value 'b'`],
    ['a name', 'alter table shared.old rename to renamed'],
    ['data', 'insert into shared.old values (1); truncate shared.old'],
    ['an extension with its place', 'create extension hstore schema shared'],
    ['a table that is taken away', 'drop table shared.old'],
    ['a table that is taken over', 'alter table shared.old set schema plugin_a'],
    [
      'an object that was gone in time',
      'create table public.gone (id serial); drop table public.gone',
    ],
    [
      'a large own schema',
      `do $$ begin for i in 1..50 loop execute format('create table t%s (id serial primary key, j jsonb)', i); end loop; end $$`,
    ],
  ])('%s, is no stray object', async (_, sql) => {
    const { fresh, role, dropRole } = await withOthers();
    const plugin = await pluginWith('a', { '0000_a': sql.replaceAll('$role', role) });
    expect(
      await migratePlugin(fresh.pool(), plugin, migrateOptions({ ...asWritten })),
    ).toMatchObject({ status: 'done' });
    await dropRole();
  });

  test("neither is what others make at the same time, or the host's own schemas", async () => {
    const fresh = await db.fresh();
    const other = await fresh.pool().connect();
    await other.query('begin; create schema elsewhere; create table elsewhere.t ();');
    await fresh.query('create schema done; create table done.t ();');
    const host = await pluginWith('host', {
      '0000_a': `create extension hstore; create table public.users (id serial); create function f() returns int return 1;`,
    });
    expect(
      await migratePlugin(
        fresh.pool(),
        { ...host, schema: 'public', historySchema: 'drizzle' },
        migrateOptions({ ...asWritten }),
      ),
    ).toMatchObject({ status: 'done' });
    await other.query('rollback');
    other.release();
  });
});

test('a directive that is not known is found before anything runs', async () => {
  const plugin = await pluginWith('a', { '0000_a': '-- slipway: alow-outside\nselect 1;' });
  const client = await db.pool().connect();
  const { problems } = await takeSurvey(client, [plugin]);
  client.release();
  expect(problems).toMatchObject([{ code: 'MIGRATION_FILES_INVALID', file: '0000_a.sql' }]);
});

describe('the look for strays', () => {
  const own = { schema: 'plugin_a', historySchema: 'plugin_a', furtherSchemas: [] };
  const ordinary = `create type state as enum ('open'); create table a (id serial primary key, state state);
    create table b (id int references a, at timestamptz default now()); create index on b (at);
    create view v as select * from a; create function f() returns int language sql as 'select 1'`;

  /** How often the scan over all dependencies has run in a transaction that has sent this SQL. */
  async function countScans(sql: string): Promise<number> {
    const fresh = await db.fresh();
    await fresh.query(`create schema plugin_a; create table plugin_a.old (id int)`);
    const client = await fresh.pool().connect();
    try {
      await client.query('begin; set local search_path = plugin_a');
      await client.query(`select ${rememberBeginningSql(own)}`);
      await client.query(sql);
      const { rows } = await client.query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(
        `explain (analyze, format json) ${strayObjectsSql(own, 'warn')}`,
      );
      const nodes = rows.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => listNodes(Plan)));
      const union = nodes.find((node) => node['Node Type'] === 'Append');
      return union?.['Actual Loops'] ?? Number.NaN;
    } finally {
      client.release(true);
    }
  }

  test.each([
    ['makes what a migration makes', ordinary],
    [
      'changes what is there',
      'alter table old add b int; create index on old (b); update old set b = 1',
    ],
    ['grants', 'grant usage on schema plugin_a to public'],
    ['does nothing', 'select 1'],
  ])('reads no catalog from end to end when a file %s', async (_, sql) => {
    expect(await countScans(sql)).toBe(0);
  });

  test.each([
    ['makes something elsewhere', 'create table public.stray (id int)'],
    ['moves something elsewhere', 'create table m (id int); alter table m set schema public'],
    ['makes a schema', 'create schema other'],
    ['takes something back', 'create table gone (id int); drop table gone'],
    ['works in a subtransaction', 'savepoint s; create table s (id int); release s'],
  ])('reads them when a file %s', async (_, sql) => {
    expect(await countScans(sql)).toBe(1);
  });
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

function listNodes(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(listNodes)];
}
