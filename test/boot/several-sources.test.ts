import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { expect, test } from 'vitest';
import { sqlFiles, type BootOptions, type Plugin } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder, writeMigrations } from '../support/migration-folder.ts';
import { fill, migrateOnce, table, view } from './repeatable-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const migrated = (options: BootOptions): Promise<readonly string[]> =>
  migrateOnce(bootUnderTest(options).boot);

test('a plugin goes from one folder to a list, and nothing of it runs again', async () => {
  const fresh = await db.fresh();
  const folder = await migrationFolder({ ...table, '0001_u': 'CREATE TABLE u (id int);' });
  const one = { pool: fresh.url, plugins: [{ id: 'p', migrations: folder }] };
  await migrated(one);
  const views = await fill(await temporaryFolder(), { 'v.sql': view('id') });
  const migrations: Plugin['migrations'] = [
    { name: '20231114221319_backfill', run: (client) => client.query('UPDATE t SET id = id + 1') },
    folder,
    sqlFiles(await fill(await temporaryFolder(), { 'more.sql': 'CREATE TABLE more (id int);' })),
    sqlFiles(views, { repeatable: true }),
  ];
  const list = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
  expect(await migrated(list)).toEqual(['20231114221319_backfill', 'more.sql', 'v.sql']);
  expect(await migrated(list)).toEqual([]);
  expect((await fresh.query('SELECT * FROM plugin_p.v')).rows).toEqual([{ id: 8 }]);
});

test('the host may have a list, whose history Drizzle 0.45 goes on with when a folder of it comes first', async () => {
  const fresh = await db.fresh();
  const folder = await migrationFolder(table);
  const first = { name: '20010101000000_before', run: () => undefined };
  const options = { pool: fresh.url, host: { migrations: [folder, first] }, plugins: [] };
  // The function is the first to run, and the table is made for the folder.
  expect(await migrated(options)).toEqual(['20010101000000_before', '0000_t.sql']);
  const { rows } = await fresh.query(
    `SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) AS columns
     FROM information_schema.columns WHERE table_schema = 'drizzle' AND table_name = '__drizzle_migrations'`,
  );
  expect(rows).toEqual([{ columns: 'id hash created_at' }]);
  await writeMigrations(folder, { ...table, '0001_u': 'CREATE TABLE u (id int);' });
  await migrate(drizzle({ client: fresh.pool() }), { migrationsFolder: folder });
  expect(await migrated(options)).toEqual([]);
});
