import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { createScopedDatabase } from '../../src/postgres/scoped/scoped-database.ts';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { startProxy } from '../support/proxy.ts';
import { startTurnstile } from '../support/turnstile.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();

beforeAll(() => db.query('create schema plugin_a; create table plugin_a.items (id int)'));

const settingName = 'slipway_search_path';
const select = 'select count(*) from items';

describe('a scoped pool sends', () => {
  test.each([
    ['a text', select],
    ['a text with values', { text: 'select $1::int from items', values: [1] }],
    ['a named statement', { text: select, name: 'count' }],
    ['several commands', 'select 1; select 2'],
    ['DDL', 'create table if not exists items (id int)'],
    ['a block', 'do $$ begin perform 1; end $$'],
  ])('one message for %s', async (_, query) => {
    await using turnstile = await startTurnstile(db.url);
    const pool = createScopedPool(db.pool({ connectionString: turnstile.url, max: 1 }), 'plugin_a');
    for (let round = 1; round <= 3; round += 1) {
      await pool.query(query as string);
      expect(turnstile.requests).toHaveLength(1 + round);
    }
    expect(turnstile.requests[0]).toBe('connect');
  });

  test('nothing for connect() before its first statement, nor for its release', async () => {
    await using turnstile = await startTurnstile(db.url);
    const pool = createScopedPool(db.pool({ connectionString: turnstile.url, max: 1 }), 'plugin_a');
    const client = await pool.connect();
    expect(turnstile.requests).toEqual(['connect']);
    await client.query(select);
    expect(turnstile.requests).toHaveLength(2);
    client.release();
    (await pool.connect()).release();
    expect(turnstile.requests).toHaveLength(2);
  });

  test.each([0, 1, 5])(
    '%i statements of a transaction, its BEGIN and its COMMIT',
    async (count) => {
      await using turnstile = await startTurnstile(db.url);
      const shared = db.pool({ connectionString: turnstile.url, max: 1 });
      const database = createScopedDatabase(shared, 'plugin_a');
      await database.transaction(
        async (tx) => {
          for (let n = 0; n < count; n += 1) await tx.execute(sql`select ${n}::int from items`);
        },
        { isolationLevel: 'serializable' },
      );
      const [connect, begin, ...rest] = turnstile.requests;
      expect(connect).toBe('connect');
      expect(begin).toMatch(
        /^begin isolation level serializable; set local search_path = .*; set local application_name = .*$/,
      );
      expect(rest).toHaveLength(count + 1);
      expect(rest.at(-1)).toBe('commit');
    },
  );

  test('the error of a statement in its one message', async () => {
    await using turnstile = await startTurnstile(db.url);
    const pool = createScopedPool(db.pool({ connectionString: turnstile.url, max: 1 }), 'plugin_a');
    await errorOf(pool.query('select 1 / 0'));
    await pool.query(select);
    expect(turnstile.requests).toHaveLength(3);
  });
});

describe('the setting of the path', () => {
  test('is prepared once a connection', async () => {
    await using proxy = await startProxy(db.url);
    const shared = db.pool({ connectionString: proxy.url, max: 1 });
    const [a, b] = [createScopedPool(shared, 'plugin_a'), createScopedPool(shared, 'other')];
    for (let round = 0; round < 5; round += 1) {
      await a.query(select);
      await b.query('select 1 as one');
    }
    expect(proxy.prepared.filter((name) => name === settingName)).toHaveLength(1);
  });

  test('is prepared anew after the host has removed it, and no statement fails', async () => {
    await using proxy = await startProxy(db.url);
    const shared = db.pool({ connectionString: proxy.url, max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    for (const removal of ['deallocate all', 'discard all']) {
      for (let round = 0; round < 3; round += 1) await pool.query(select);
      await shared.query(removal);
      for (let round = 0; round < 3; round += 1) {
        expect((await pool.query('select current_schema() as s')).rows).toEqual([
          { s: 'plugin_a' },
        ]);
      }
    }
    expect(proxy.prepared.filter((name) => name === settingName)).toHaveLength(3);
  });

  test('is found again when pg has lost sight of it', async () => {
    await using turnstile = await startTurnstile(db.url);
    const shared = db.pool({ connectionString: turnstile.url, max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    for (let round = 0; round < 3; round += 1) await pool.query(select);
    const client = await shared.connect();
    const { connection } = client as unknown as {
      readonly connection: { readonly parsedStatements: Record<string, string> };
    };
    delete connection.parsedStatements[settingName];
    client.release();
    for (let round = 0; round < 3; round += 1) await pool.query(select);
    // One of them is sent twice.
    expect(turnstile.requests).toHaveLength(1 + 3 + 4);
  });

  test.skipIf(!pgbouncer)('is never prepared behind a pooler', async () => {
    const pooler = await startPgBouncer({ mode: 'transaction' });
    await using proxy = await startProxy(pooler.through(db.url));
    const pool = createScopedPool(db.pool({ connectionString: proxy.url, max: 1 }), 'plugin_a');
    for (let round = 0; round < 5; round += 1) await pool.query(select);
    expect(proxy.prepared.length).toBeGreaterThan(5);
    expect(proxy.prepared).not.toContain(settingName);
  });
});
