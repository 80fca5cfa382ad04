import { fileURLToPath } from 'node:url';
import knex from 'knex';
import type { MigrationClient, MigrationFunction } from 'slipway';
import { expect, test } from 'vitest';
import { adoptKnex } from '../../docs/examples/sources/knex-adopt.ts';
import { knexOn, orders } from '../../docs/examples/sources/knex.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { readCatalog } from '../support/catalog.ts';
import { useDatabase, type Database } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const directory = fileURLToPath(
  new URL('../../docs/examples/sources/knex-migrations', import.meta.url),
);

/** Migrates as `knex migrate:latest` or `knex migrate:up` does, with Knex's own history. */
async function migrateWithKnex({ url }: Database, how: 'up' | 'latest'): Promise<void> {
  const own = knex({ client: 'pg', connection: url });
  try {
    await own.migrate[how]({ directory, loadExtensions: ['.mjs'] });
  } finally {
    await own.destroy();
  }
}

/** Everything but the tables of either history, and the times. */
async function readOwn({ query }: Database, schema: string): Promise<readonly string[]> {
  const lines = await readCatalog({ query }, schema);
  return lines.filter((line) => !/knex_migrations|__drizzle_migrations/.test(line));
}

const names = [
  '20240102030405_orders',
  '20240203040506_customers',
  '20240304050607_state_index',
] as const;

test('a database that Knex has half migrated is adopted, upgraded, and is what Knex makes of it', async () => {
  const [half, whole] = [await db.fresh(), await db.fresh()];
  await migrateWithKnex(half, 'up');
  await migrateWithKnex(whole, 'latest');
  await half.query('ALTER SCHEMA public RENAME TO plugin_orders; CREATE SCHEMA public');
  expect(await adoptKnex(half.pool())).toEqual([names[0]]);
  expect(await adoptKnex(half.pool())).toEqual([]);

  const { boot, recording } = bootUnderTest({ pool: half.url, plugins: [orders] });
  await boot.start();
  expect(recording.of('plugin.migrate.applied').map(({ file }) => file)).toEqual(names.slice(1));
  expect(await readOwn(half, 'plugin_orders')).toEqual(await readOwn(whole, 'public'));

  const again = bootUnderTest({ pool: half.url, plugins: [orders] });
  const { plugins } = await again.boot.plan();
  expect(plugins.flatMap(({ pending }) => pending)).toEqual([]);
});

test('an empty database gets what Knex makes, as a plugin and as the host in public', async () => {
  const [empty, whole] = [await db.fresh(), await db.fresh()];
  await migrateWithKnex(whole, 'latest');
  const { migrations = [] } = orders;
  const { boot } = bootUnderTest({ pool: empty.url, host: { migrations }, plugins: [orders] });
  await boot.start();
  const expected = await readOwn(whole, 'public');
  expect(await readOwn(empty, 'public')).toEqual(expected);
  expect(await readOwn(empty, 'plugin_orders')).toEqual(expected);
});

test("Knex's own transactions are refused in that of the migration, and work outside of one", async () => {
  const fresh = await db.fresh();
  const run = (client: MigrationClient): Promise<unknown> =>
    knexOn(client).transaction(async (trx) => {
      await trx.schema.createTable('items', (table) => table.increments('id'));
      await knexOn(client)('items').insert({ id: 7 }).transacting(trx);
    });
  const start = (migration: MigrationFunction): Promise<unknown> =>
    bootUnderTest({
      pool: fresh.url,
      plugins: [{ id: 'items', migrations: [migration] }],
    }).boot.start();
  const error = await failureOf(start({ name: 'items', run }));
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED' });
  expect(error.message + String(error.cause)).toContain('BEGIN is refused');
  expect((await fresh.query(`select to_regclass('plugin_items.items') as found`)).rows).toEqual([
    { found: null },
  ]);
  await start({ name: 'items', run, transaction: false });
  expect((await fresh.query('select * from plugin_items.items')).rows).toEqual([{ id: 7 }]);
});
