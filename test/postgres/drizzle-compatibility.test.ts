import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { expect, test } from 'vitest';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { migrateOptions, toPlugin, writeFolder, writeMigrations } from './migration-fixture.ts';

const db = useDatabase();
const migrations = {
  '0000_init': 'create table t (id int);',
  '0001_more': 'alter table t add name text;--> statement-breakpoint\ninsert into t values (1);',
};
const more = { ...migrations, '0002_last': 'alter table t add more text;' };

const shapeSql = `select column_name, data_type, column_default is not null as has_default, is_nullable
  from information_schema.columns where table_schema = $1 and table_name = '__drizzle_migrations' order by ordinal_position`;
const rowsOf = async (schema: string): Promise<unknown[]> =>
  (await db.query(`select * from ${schema}.__drizzle_migrations order by id`)).rows;

async function slipway(plugin: string, folder: string): Promise<unknown> {
  const files = await readMigrationFolder(plugin, folder);
  return migratePlugin(db.pool(), toPlugin(plugin, files, plugin), migrateOptions());
}

async function drizzles(migrationsSchema: string, migrationsFolder: string): Promise<void> {
  const client = await db.pool().connect();
  try {
    await client.query(
      `create schema if not exists ${migrationsSchema}; set search_path = ${migrationsSchema}`,
    );
    await migrate(drizzle({ client }), { migrationsFolder, migrationsSchema });
  } finally {
    client.release(true);
  }
}

test('a database that Drizzle migrated is up to date, and goes on from there', async () => {
  const folder = await writeFolder(migrations);
  await drizzles('adopted', folder);
  expect(await slipway('adopted', folder)).toEqual({ status: 'done', applied: [] });

  await writeMigrations(folder, more);
  expect(await slipway('adopted', folder)).toEqual({ status: 'done', applied: ['0002_last.sql'] });
});

test('for Drizzle a database that Slipway migrated is up to date, and goes on from there', async () => {
  const folder = await writeFolder(migrations);
  await slipway('returned', folder);
  const before = await rowsOf('returned');
  await drizzles('returned', folder);
  expect(await rowsOf('returned')).toEqual(before);

  await writeMigrations(folder, more);
  await drizzles('returned', folder);
  expect(await rowsOf('returned')).toHaveLength(3);
});

test('both write the same rows into tables of the same shape', async () => {
  const folder = await writeFolder(migrations);
  await slipway('ours', folder);
  await drizzles('theirs', folder);
  expect(await rowsOf('ours')).toEqual(await rowsOf('theirs'));
  const shapes = await Promise.all(
    ['ours', 'theirs'].map((schema) => db.query(shapeSql, [schema])),
  );
  expect(shapes[0]?.rows).toHaveLength(3);
  expect(shapes[0]?.rows).toEqual(shapes[1]?.rows);
});
