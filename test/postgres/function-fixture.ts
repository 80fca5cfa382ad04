import { expect } from 'vitest';
import type { MigrationFunction } from '../../src/core/migration-source.ts';
import type { Database } from '../support/database.ts';

export type Run = MigrationFunction['run'];

/** A function that makes one table. */
export const items: Run = (client) =>
  client.query('create table items (id int primary key, name text)');

/** The names in the history of a plugin. */
export async function historyOf(
  { query }: Pick<Database, 'query'>,
  id: string,
): Promise<readonly unknown[]> {
  const { rows } = await query(`select name from plugin_${id}.__drizzle_migrations order by id`);
  return rows.map(({ name }) => name as unknown);
}

export async function expectNothingOf(
  { query }: Pick<Database, 'query'>,
  id: string,
): Promise<void> {
  const { rows } = await query('select to_regnamespace($1) as schema', [`plugin_${id}`]);
  expect(rows).toEqual([{ schema: null }]);
}
