import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres, type PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlFiles } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder } from '../support/migration-folder.ts';
import { pgDump, pgDumpPath } from '../support/pg-dump.ts';

/** A shop with everything that names its schema in another way: defaults, bodies, operators, partitions, an extension. */
const shop = String.raw`
  create extension citext;
  create type status as enum ('new', 'paid');
  create domain amount as numeric(10, 2) check (value >= 0);
  create table customers (id serial primary key, email citext unique, name text default 'x');
  create table "Orders" (id bigint generated always as identity primary key,
    customer int references customers, state status default 'new', total amount, placed date not null default '2024-02-03');
  create sequence loose;
  create function total(c int) returns numeric language sql as $$ select sum(total) from public."Orders" where customer = c $$;
  create function touch() returns trigger language plpgsql as $$ begin new.placed := '2024-05-06'; return new; end $$;
  create function atomic_total(c int) returns numeric begin atomic select sum(total) from "Orders" where customer = c; end;
  create trigger touching before update on "Orders" for each row execute function touch();
  create function same(status, status) returns boolean language sql as $$ select $1::text = $2::text $$;
  create operator === (leftarg = status, rightarg = status, function = same);
  create view open_orders as select o.*, c.email from "Orders" o join customers c on c.id = o.customer where o.state === 'new';
  create materialized view sums as select customer, sum(total) from "Orders" group by 1;
  create index on "Orders" (placed);
  create table parts (id int, at date, primary key (id, at)) partition by range (at);
  create table parts_1 partition of parts for values from ('2024-01-01') to ('2025-01-01');
  create index parts_at on parts (at);
  create statistics stat on customer, placed from "Orders";
  comment on table customers is 'who buys in public.customers';
  alter table customers enable row level security;
  create policy own on customers using (email = current_user::citext);
  insert into customers (email, name) values ('a@x', E'line one\nSET default_tablespace = '''';\n\\restrict me\npublic.customers'), ('b@x', 'it''s');
  insert into "Orders" (customer, total) values (1, 5);
  insert into parts values (1, '2024-03-04');`;

/** A folder of plain SQL files: the dump, and a file that changes what it makes. */
async function folderOf(dump: string, more = 'SELECT 1;'): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, '0001_baseline.sql'), dump);
  await writeFile(join(folder, '0002_more.sql'), more);
  return folder;
}

async function query(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** What pg_dump says of a schema, whatever its name is, without the history. */
async function readSchema(url: string, schema: string): Promise<string> {
  const all = await pgDump(
    url,
    '--inserts',
    '--no-owner',
    `--schema=${schema}`,
    '--exclude-table=*.__drizzle*',
  );
  return all
    .replaceAll(/^(?:\\(?:un)?restrict .*|--.*|CREATE SCHEMA .*|COMMENT ON SCHEMA .*)$/gm, '')
    .replaceAll(/\n{2,}/g, '\n')
    .replaceAll(`"${schema}".`, 'public.')
    .replaceAll(`${schema}.`, 'public.');
}

describe.skipIf(pgDumpPath === undefined)('a dump of pg_dump as the first migration', () => {
  const db = useDatabase();
  const bootUnderTest = useBoots();
  let server: PostgresServer;
  let source: string;
  let count = 0;

  /** A database on the server that pg_dump belongs to. */
  async function createDatabase(): Promise<string> {
    const name = `made_${(count += 1)}`;
    await query(server.url, `create database ${name} template template0`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  beforeAll(async () => {
    server = await startPostgres({ from: 'system' });
    source = await createDatabase();
    await query(source, shop);
  });
  afterAll(() => server?.stop());

  const plain = ['--no-owner', '--no-privileges'] as const;

  test('makes in the schema of a plugin what the database had in public', async () => {
    const url = await createDatabase();
    const dump = await pgDump(source, '--inserts', ...plain);
    const plugins = [{ id: 'shop', migrations: sqlFiles(await folderOf(dump)) }];
    const { boot } = bootUnderTest({ pool: url, plugins });
    await boot.start();
    expect(await readSchema(url, 'plugin_shop')).toBe(await readSchema(source, 'public'));
    expect(
      await query(
        url,
        `select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace`,
      ),
    ).toEqual([{ n: 0 }]);
    await boot.stop();

    const again = bootUnderTest({ pool: url, plugins });
    const { plugins: planned } = await again.boot.plan();
    expect(planned.flatMap(({ pending, warnings }) => [pending, warnings])).toEqual([[], []]);
  });

  test('makes the same in public for the host, and the next files come after it', async () => {
    const url = await createDatabase();
    const dump = await pgDump(source, '--inserts', ...plain);
    const more = 'ALTER TABLE customers ADD COLUMN more int;';
    const migrations = sqlFiles(await folderOf(dump, more));
    const { boot } = bootUnderTest({ pool: url, host: { migrations }, plugins: [] });
    await boot.start();
    await query(url, 'alter table customers drop column more');
    expect(await readSchema(url, 'public')).toBe(await readSchema(source, 'public'));
  });

  test.each([
    ['of one schema', ['--schema-only', '--schema=public']],
    ['in a folder of drizzle-kit', ['--schema-only']],
  ])('%s runs as well, on a newer server', async (kind, options) => {
    const fresh = await db.fresh();
    await fresh.query('create extension citext');
    const dump = await pgDump(source, ...plain, ...options);
    const migrations = kind.endsWith('kit')
      ? await migrationFolder({ '0000_baseline': dump })
      : sqlFiles(await folderOf(dump));
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [{ id: 'shop', migrations }] });
    await boot.start();
    const { rows } = await fresh.query(
      `select count(*)::int as n from pg_tables where schemaname = 'plugin_shop'`,
    );
    expect(rows).toEqual([{ n: 5 }]);
  });

  test('of the very schema of the plugin runs, though the schema exists', async () => {
    const url = await createDatabase();
    await query(
      url,
      'create schema plugin_shop; create table plugin_shop.items (id serial primary key)',
    );
    await query(url, `comment on schema plugin_shop is 'of the shop'`);
    const dump = await pgDump(url, '--schema-only', '--schema=plugin_shop', ...plain);
    const fresh = await db.fresh();
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [{ id: 'shop', migrations: sqlFiles(await folderOf(dump)) }],
    });
    await boot.start();
    await fresh.query('insert into plugin_shop.items default values');
  });

  test.each([
    [
      'as pg_dump makes it',
      [],
      'OWNER TO, COPY FROM STDIN',
      '--no-owner, --schema-only (or --inserts, for few rows)',
    ],
    ['with owners', ['--schema-only', '--no-privileges'], 'OWNER TO', '--no-owner'],
    ['with rights', ['--schema-only', '--no-owner'], 'GRANT or REVOKE', '--no-privileges'],
    [
      'of a whole database',
      ['--schema-only', '--create', ...plain],
      'CREATE DATABASE',
      'no --create',
    ],
    ['that drops first', ['--schema-only', '--clean', ...plain], 'DROP', 'no --clean'],
  ])(
    '%s is refused before anything is changed, with the options to use',
    async (_, options, what, advice) => {
      await query(source, 'grant select on customers to public');
      const { boot } = bootUnderTest({
        pool: db.url,
        plugins: [
          { id: 'shop', migrations: sqlFiles(await folderOf(await pgDump(source, ...options))) },
        ],
      });
      const { problems } = await boot.plan();
      expect(problems).toMatchObject([
        {
          code: 'MIGRATION_FILES_INVALID',
          hint: `Make the dump again with other options of pg_dump: ${advice}.`,
        },
      ]);
      expect(problems[0]?.message).toContain(
        `0001_baseline.sql is a dump with ${what}, which a migration cannot run`,
      );
    },
  );
});
