import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, serial, text } from 'drizzle-orm/pg-core';
import { Query } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { lookThroughPooler, untouched } from '../support/server-sessions.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const sent = pgTable('sent', { id: serial('id').primaryKey(), body: text('body').notNull() });
const names = ['plugin_a', 'plugin_b'] as const;

describe.skipIf(!pgbouncer)('a scoped pool behind a pooler in transaction mode', () => {
  let url = '';

  beforeEach(async () => {
    url = (await startPgBouncer({ mode: 'transaction' })).through(db.url);
    for (const name of names) {
      await db.query(`drop schema if exists ${name} cascade; create schema ${name};
        create table ${name}.sent (id serial primary key, body text not null)`);
    }
  });

  async function expectNothingLeft(): Promise<void> {
    for (const session of await lookThroughPooler(url, 2)) expect(session).toMatchObject(untouched);
  }

  test('keeps plugins apart that share its sessions, in queries and in transactions', async () => {
    const shared = db.pool({ connectionString: url, max: 6 });
    const scoped = names.map((name) => drizzle({ client: createScopedPool(shared, name) }));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        scoped.flatMap((each, index) => [
          each.insert(sent).values({ body: names[index] ?? '' }),
          each.transaction(
            async (tx) => {
              await tx.insert(sent).values({ body: names[index] ?? '' });
              await tx.transaction((inner) => inner.select().from(sent));
            },
            { isolationLevel: 'repeatable read' },
          ),
        ]),
      );
    }
    for (const name of names) {
      const { rows } = await db.query(
        `select body, count(*)::int as n from ${name}.sent group by 1`,
      );
      expect(rows).toEqual([{ body: name, n: 10 }]);
    }
    await expectNothingLeft();
  });

  test('gives clients on which every statement is in the schema, in a transaction or not', async () => {
    const pool = createScopedPool(db.pool({ connectionString: url }), 'plugin_a');
    const client = await pool.connect();
    const path = `select current_schema() as path`;
    const expected = [{ path: 'plugin_a' }];
    expect((await client.query(path)).rows).toEqual(expected);
    // Not awaited one by one, as pg allows it.
    const begun = client.query('/* traced */ begin isolation level serializable -- now');
    const [inside] = await Promise.all([client.query<{ path: string }>(path), begun]);
    expect(inside.rows).toEqual(expected);
    expect((await client.query('show transaction_isolation')).rows).toEqual([
      { transaction_isolation: 'serializable' },
    ]);
    await client.query("insert into sent (body) values ('gone')");
    await client.query('rollback');
    await client.query({ text: 'insert into sent (body) values ($1)', values: ['kept'] });
    const answered = await new Promise((resolve) => {
      client.query('select body from sent', (_, { rows }) => resolve(rows));
    });
    expect(answered).toEqual([{ body: 'kept' }]);
    client.release();
    await expectNothingLeft();
  });

  test('keeps the error of a query, and the client', async () => {
    const shared = db.pool({ connectionString: url, max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    expect(await errorOf(client.query('select * from nowhere'))).toMatchObject({ code: '42P01' });
    expect((await client.query('select * from sent')).rows).toEqual([]);
    client.release();
    expect(() => client.release()).toThrow('already been released');
    expect((await shared.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('destroys a client that is released inside a transaction', async () => {
    const shared = db.pool({ connectionString: url, max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    await client.query('begin');
    client.release();
    const removed = new Promise((resolve) => shared.once('remove', resolve));
    await removed;
    await expectNothingLeft();
  });

  test('lets a cursor or stream run inside a transaction, and says so elsewhere', async () => {
    const client = await createScopedPool(db.pool({ connectionString: url }), 'plugin_a').connect();
    const submittable = () => new Query('select current_schema() as path');
    expect(() => client.query(submittable())).toThrow('needs a transaction');
    await client.query('begin');
    const running = client.query(submittable());
    const row = await new Promise((resolve) => running.once('row', resolve));
    expect(row).toEqual({ path: 'plugin_a' });
    await client.query('commit');
    client.release();
  });

  test('serves Drizzle with plain SQL', async () => {
    const scoped = drizzle({
      client: createScopedPool(db.pool({ connectionString: url }), 'plugin_b'),
    });
    const { rows } = await scoped.execute(sql`select current_schema() as path`);
    expect(rows).toEqual([{ path: 'plugin_b' }]);
  });
});
