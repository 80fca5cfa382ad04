import { expect, test } from 'vitest';
import { flushCommits } from '../../src/postgres/migrate/durability.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

test('a flush finds rows that are gone, but not those that another process has replaced since', async () => {
  const database = await db.fresh();
  const { query } = database;
  await query(`create schema plugin_p; create table plugin_p.__drizzle_migrations (id int);
    insert into plugin_p.__drizzle_migrations values (1), (2), (3)`);
  const flush = async (comment: string | null): Promise<readonly string[]> => {
    const history = { historySchema: 'plugin_p', rows: 3, comment };
    return (await flushCommits(database.pool(), new Map([['p', history]]))).lost;
  };
  expect(await flush(null)).toEqual([]);
  await query('delete from plugin_p.__drizzle_migrations where id < 3');
  expect(await flush(null)).toEqual(['p']);
  await query(`comment on table plugin_p.__drizzle_migrations is 'slipway: replaced'`);
  expect(await flush(null)).toEqual([]);
  expect(await flush(`it's another`)).toEqual([]);
  expect(await flush('slipway: replaced')).toEqual(['p']);
  await query('drop table plugin_p.__drizzle_migrations');
  expect(await flush(null)).toEqual(['p']);
});
