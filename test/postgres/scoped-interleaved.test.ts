import { expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const schemas = ['plugin_a', 'plugin_b'] as const;
const queryCount = 10_000;

test('10,000 queries of two plugins on four clients never read a row of the other', async () => {
  for (const schema of schemas) {
    await db.query(`create schema ${schema}; create table ${schema}.items (owner text, n int);
      insert into ${schema}.items select '${schema}', n from generate_series(1, 10) n`);
  }
  const shared = db.pool({ max: 4 });
  const pools = schemas.map((schema) => createScopedPool(shared, schema));
  const forms = [
    'select owner from items limit 1',
    { text: 'select owner from items limit 1', name: 'owner' },
    { text: 'select owner from items where n = $1', values: [3] },
  ];
  const wrong: unknown[] = [];
  await Promise.all(
    Array.from({ length: queryCount }, async (_, index) => {
      const mine = index % 2;
      const { rows } = await pools[mine]!.query<{ owner: string }>(forms[index % 3] as string);
      if (rows.length !== 1 || rows[0]?.owner !== schemas[mine]) wrong.push([index, rows]);
    }),
  );
  expect(wrong).toEqual([]);
  expect(shared.totalCount).toBe(4);
});
