import { sql } from 'drizzle-orm';
import { pgTable, text } from 'drizzle-orm/pg-core';
import type { Pool } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { createScopedDatabase } from '../../src/postgres/scoped/scoped-database.ts';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
let shared: Pool;

beforeEach(async () => {
  await db.query(`drop schema if exists plugin_a cascade; drop schema if exists plugin_b cascade;
    drop table if exists public.commons;
    create table public.commons (owner text);
    create schema plugin_b; set search_path = plugin_b;
    create table items (owner text); insert into items values ('b');
    create table only_b (owner text); insert into only_b values ('b');
    create view seen as select owner from items;
    create function unplaced() returns text language plpgsql as 'begin return (select min(owner) from items); end';
    create function placed() returns text language sql set search_path = plugin_b as 'select min(owner) from items';
    create function bound() returns text begin atomic select min(owner) from items; end;
    create function note() returns trigger language plpgsql as 'begin insert into items values (''noted''); return new; end';
    create trigger note after insert on only_b for each row execute function note();
    create schema plugin_a; set search_path = plugin_a;
    create table items (owner text); insert into items values ('a');
    create function wander() returns void language plpgsql as
      'begin perform set_config(''search_path'', ''plugin_b'', false); end'`);
  shared = db.pool({ max: 1 });
});

const onlyB = pgTable('only_b', { owner: text('owner') });
const commons = pgTable('commons', { owner: text('owner') });

async function ownerFrom(query: string): Promise<unknown> {
  const { rows } = await createScopedPool(shared, 'plugin_a').query<{ owner: unknown }>(query);
  return rows[0]?.owner;
}

/** The SQLSTATE, also where Drizzle has wrapped the error. */
async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error = (await errorOf(work)) as Error & { code?: string; cause?: { code?: string } };
  return error.cause?.code ?? error.code;
}

describe('a name without a schema never reaches another plugin', () => {
  test('in with(), $client, execute, a transaction, and a client of its own', async () => {
    const database = createScopedDatabase(shared, 'plugin_a');
    const found = database.$with('found').as(database.select().from(onlyB));
    const read = 'select * from only_b';
    const attempts = [
      () => database.with(found).select().from(found),
      () => database.$client.query(read),
      () => database.execute(sql`select * from only_b`),
      () => database.transaction((tx) => tx.select().from(onlyB)),
      () => database.transaction((tx) => tx.transaction((inner) => inner.$count(onlyB))),
      async () => {
        const client = await database.$client.connect();
        return client.query(read).finally(() => client.release());
      },
    ];
    for (const attempt of attempts) expect(await codeOf(attempt())).toBe('42P01');
  });

  test('nor the schema public', async () => {
    const database = createScopedDatabase(shared, 'plugin_a');
    expect(await codeOf(database.select().from(commons))).toBe('42P01');
  });

  test('nor a prepared statement or a temporary table of another plugin', async () => {
    const [a, b] = ['plugin_a', 'plugin_b'].map((schema) => createScopedPool(shared, schema));
    await b?.query('prepare p as select * from only_b');
    expect(await codeOf(a!.query('execute p'))).toBe('26000');
    await b?.query(`create temporary table secrets as select * from only_b`);
    expect(await codeOf(a!.query('select * from secrets'))).toBe('42P01');
    const own = { name: 'own', text: 'select owner from items' };
    expect((await b!.query(own)).rows).toEqual([{ owner: 'b' }]);
    expect((await a!.query(own)).rows).toEqual([{ owner: 'a' }]);
  });
});

describe('is not prevented, because the path is no security boundary:', () => {
  test('a name with a schema reaches every table', async () => {
    expect(await ownerFrom('select owner from plugin_b.only_b')).toBe('b');
    expect(await ownerFrom('select count(*)::int as owner from public.commons')).toBe(0);
  });

  test('the body of another plugin’s function runs under the path of its caller', async () => {
    expect(await ownerFrom('select plugin_b.unplaced() as owner')).toBe('a');
  });

  test('a function with a search_path of its own, or with BEGIN ATOMIC, reads where its author meant', async () => {
    expect(await ownerFrom('select plugin_b.placed() as owner')).toBe('b');
    expect(await ownerFrom('select plugin_b.bound() as owner')).toBe('b');
    expect(await ownerFrom('select owner from items')).toBe('a');
  });

  test('a view of another plugin reads its own tables', async () => {
    expect(await ownerFrom('select owner from plugin_b.seen')).toBe('b');
  });

  test('a trigger of another plugin’s table runs under the path of who inserts', async () => {
    await createScopedPool(shared, 'plugin_a').query(`insert into plugin_b.only_b values ('x')`);
    expect((await db.query('select owner from plugin_a.items order by 1')).rows).toEqual([
      { owner: 'a' },
      { owner: 'noted' },
    ]);
  });

  test('a function that changes the session in its body changes it for the host', async () => {
    await createScopedPool(shared, 'plugin_a').query('select wander()');
    expect((await shared.query('select current_schema() as s')).rows).toEqual([{ s: 'plugin_b' }]);
    // Another plugin is safe from it, because every statement brings its own path.
    expect(await ownerFrom('select owner from items')).toBe('a');
  });
});
