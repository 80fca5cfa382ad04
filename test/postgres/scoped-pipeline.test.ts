import type { Pool, PoolClient } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const schemas = ['plugin_a', 'plugin_b'] as const;
const schemaOf = 'select current_schema() as s';

beforeEach(async () => {
  for (const schema of schemas) {
    await db.query(`drop schema if exists ${schema} cascade; create schema ${schema};
      create table ${schema}.items (name text unique)`);
  }
});

function openShared(): Pool {
  return db.pool({ max: 2, pipeline: true, application_name: 'host' });
}

async function withClient(use: (client: PoolClient) => Promise<void>): Promise<void> {
  const shared = openShared();
  const client = await createScopedPool(shared, 'plugin_a').connect();
  await use(client);
  client.release();
  const { rows } = await shared.query(
    `select current_setting('search_path') as path, current_setting('application_name') as name`,
  );
  expect(rows).toEqual([{ path: '"$user", public', name: 'host' }]);
  expect(shared.totalCount).toBe(1);
}

describe('a pool in pipeline mode', () => {
  test('keeps plugins apart whose queries are sent at once', async () => {
    const shared = openShared();
    const pools = schemas.map((schema) => [schema, createScopedPool(shared, schema)] as const);
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const [schema, pool] = pools[n % 2] ?? pools[0] ?? [];
        const query = n % 3 ? schemaOf : { text: schemaOf, name: 'schema-of' };
        expect((await pool?.query(query))?.rows).toEqual([{ s: schema }]);
      }),
    );
  });

  test('takes statements on one client that are not awaited one by one', () =>
    withClient(async (client) => {
      const named = { name: 'add', text: 'insert into items values ($1)' };
      const all = await Promise.all([
        client.query(schemaOf),
        client.query(named, ['a']),
        client.query(schemaOf),
        client.query(named, ['b']),
        client.query('select count(*)::int as n from items'),
        client.query('select 1 as one; select current_schema() as s'),
      ]);
      expect(all[0].rows).toEqual([{ s: 'plugin_a' }]);
      expect(all[2].rows).toEqual([{ s: 'plugin_a' }]);
      expect(all[4].rows).toEqual([{ n: 2 }]);
      expect((all[5] as unknown as { rows: unknown }[])[1]?.rows).toEqual([{ s: 'plugin_a' }]);
    }));

  test('keeps the answer of each statement beside an error in the middle', () =>
    withClient(async (client) => {
      const sent = [
        client.query(schemaOf),
        client.query('insert into nowhere values ($1)', [1]),
        client.query({ name: 'broken', text: 'select nope from items where name = $1' }, ['a']),
        client.query(schemaOf),
      ];
      const settled = await Promise.allSettled(sent);
      expect(settled.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'fulfilled',
      ]);
      const last = await client.query(schemaOf);
      expect(last.rows).toEqual([{ s: 'plugin_a' }]);
    }));

  test('runs a transaction that is sent at once, and rolls it back after an error', () =>
    withClient(async (client) => {
      const sent = [
        client.query('begin isolation level serializable'),
        client.query('insert into items values ($1)', ['gone']),
        client.query(schemaOf),
        client.query('select 1 / 0'),
        client.query(schemaOf),
        client.query('rollback'),
        client.query('insert into items values ($1)', ['kept']),
      ];
      const settled = await Promise.allSettled(sent);
      expect(settled.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
        'fulfilled',
        'fulfilled',
      ]);
      expect((await client.query('select name from items')).rows).toEqual([{ name: 'kept' }]);
    }));

  test('sets the isolation of a transaction behind its BEGIN', () =>
    withClient(async (client) => {
      const [, , shown] = await Promise.all([
        client.query('begin'),
        client.query('set transaction isolation level serializable'),
        client.query('show transaction_isolation'),
        client.query('commit'),
      ]);
      expect(shown.rows).toEqual([{ transaction_isolation: 'serializable' }]);
    }));

  test('rolls back to a savepoint after an error', () =>
    withClient(async (client) => {
      const sent = [
        'begin',
        'savepoint a',
        'select 1 / 0',
        'rollback to a',
        `insert into items values ('kept')`,
        'commit',
      ];
      await Promise.allSettled(sent.map((text) => client.query(text)));
      expect((await client.query('select name from items')).rows).toEqual([{ name: 'kept' }]);
    }));

  test('refuses a text that would go on behind its COMMIT, and runs what is sent behind it', () =>
    withClient(async (client) => {
      const refused = errorOf(client.query('create table a (); commit; create table b ()'));
      const after = client.query(schemaOf);
      expect((await refused).message).toMatch(/^COMMIT is refused/);
      expect((await after).rows).toEqual([{ s: 'plugin_a' }]);
    }));
});
