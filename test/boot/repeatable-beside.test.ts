import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { describe, expect, it, test } from 'vitest';
import { createRepair, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { writeMigrations } from '../support/migration-folder.ts';
import { makeShop, migrateOnce, readRows, table, view } from './repeatable-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const migrated = (options: BootOptions): Promise<readonly string[]> =>
  migrateOnce(bootUnderTest(options).boot);

describe('repairs', () => {
  it('leave repeatable files to the boot, unless they are named', async () => {
    const fresh = await db.fresh();
    const { plugin, views } = await makeShop({ 'v.sql': view('id'), 'w.sql': view('id', 'w') });
    const options = { pool: fresh.url, plugins: [plugin] };
    await fresh.query('CREATE SCHEMA plugin_p; CREATE TABLE plugin_p.t (id int)');
    const repair = createRepair(options);
    const { changes, left } = await repair.baseline('p');
    expect(changes.map(({ name }) => name)).toEqual(['0000_t.sql']);
    const because = 'it is repeatable, and runs at the next boot';
    expect(left).toEqual([
      { kind: 'file', name: 'v.sql', because },
      { kind: 'file', name: 'w.sql', because },
    ]);
    const marked = await repair.markApplied('p', ['w.sql']);
    expect(marked.changes.map(({ name }) => name)).toEqual(['w.sql']);
    expect(await migrated(options)).toEqual(['v.sql']);
    await writeFile(join(views, 'w.sql'), view('id, 1 AS one', 'w'));
    expect((await repair.acceptEdited('p', { files: ['w.sql'] })).left).toEqual([
      { kind: 'file', name: 'w.sql', because: 'it is repeatable, and runs again at the next boot' },
    ]);
    expect((await repair.acceptEdited('p')).changes).toEqual([]);
    // What is named counts as run with its text of today, in the row that it has.
    await repair.markApplied('p', ['w']);
    expect(await readRows(fresh)).toHaveLength(3);
    expect(await migrated(options)).toEqual([]);
  });
});

test('a boot that may not apply waits for a changed file, or refuses', async () => {
  const fresh = await db.fresh();
  const { plugin, views } = await makeShop({ 'v.sql': view('id') });
  const options = { pool: fresh.url, plugins: [plugin] };
  await migrated(options);
  await writeFile(join(views, 'v.sql'), view('id, 1 AS one'));
  const error = await failureOf(
    bootUnderTest({ ...options, migrations: { mode: 'verify' } }).boot.start(),
  );
  expect(error.problems).toMatchObject([{ code: 'MIGRATION_PENDING' }]);
  expect(error.problems?.[0]?.message).toContain('v.sql');
  const { boot, recording } = bootUnderTest({ ...options, migrations: { mode: 'wait' } });
  const waiting = new Promise((resolve) => boot.on('boot.waiting', resolve));
  const started = boot.start();
  await waiting;
  expect(await migrated(options)).toEqual(['v.sql']);
  await started;
  expect(recording.lines('plugin.migrate.started')).toEqual([]);
});

test('Drizzle 0.45 goes on with a history that has rows of repeatable files', async () => {
  const fresh = await db.fresh();
  const { plugin, folder } = await makeShop({ 'v.sql': view('id') });
  const options = { pool: fresh.url, plugins: [plugin] };
  await migrated(options);
  await writeMigrations(folder, { ...table, '0001_u': 'CREATE TABLE u (id int);' });
  const pool = fresh.pool({ options: '-c search_path=plugin_p' });
  await migrate(drizzle({ client: pool }), {
    migrationsFolder: folder,
    migrationsSchema: 'plugin_p',
  });
  expect(await readRows(fresh)).toHaveLength(3);
  expect(await migrated(options)).toEqual([]);
});
