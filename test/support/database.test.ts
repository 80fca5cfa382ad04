import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from './database.ts';
import { saturate } from './workers.ts';

const db = useDatabase();
let filePool: pg.Pool;
let testPool: pg.Pool | undefined;

beforeAll(() => {
  filePool = db.pool();
});

test('a file has a database of its own', async () => {
  const { rows } = await db.query<{ name: string }>('select current_database() as name');
  expect(rows).toEqual([{ name: db.name }]);
  await db.query('create table made_by_the_first_test ()');
});

test('what one test makes, the next one sees, but not a fresh database', async () => {
  const sql = `select to_regclass('made_by_the_first_test') is not null as seen`;
  expect((await db.query(sql)).rows).toEqual([{ seen: true }]);
  const other = await db.fresh();
  expect(other.name).not.toBe(db.name);
  expect((await other.query(sql)).rows).toEqual([{ seen: false }]);
});

test('a pool made in a test is there for the test', async () => {
  testPool = db.pool({ max: 2 });
  expect(testPool.options.max).toBe(2);
  await testPool.query('select 1');
  await filePool.query('select 1');
});

test('and is ended after it, while a pool of the file goes on', async () => {
  expect(testPool?.ended).toBe(true);
  expect((await filePool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('workers keep a pool busy until they are stopped, and count their errors', async () => {
  const pool = db.pool({ max: 3 });
  const workers = saturate(pool, 5);
  const failing = saturate(pool, 1, 'select 1 / 0');
  await Promise.all([workers.busy, failing.busy]);
  expect(pool.totalCount).toBe(3);
  const done = await workers.stop();
  expect(done).toEqual({ queries: expect.any(Number), errors: 0 });
  expect(done.queries).toBeGreaterThanOrEqual(5);
  const failed = await failing.stop();
  expect(failed.queries).toBe(0);
  expect(failed.errors).toBeGreaterThanOrEqual(1);
  expect(String(failed.firstError)).toContain('division by zero');
});
