import { expect, test } from 'vitest';
import { createRepair, sqlFiles, type MigrationFunction, type SqlFiles } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { plainFolder } from '../support/squashed-folders.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** Adopts a database in which goose has applied version 1, by a plugin that has another source as well. */
async function adoptBeside(other: MigrationFunction | SqlFiles) {
  const fresh = await db.fresh();
  await fresh.query(`CREATE SCHEMA plugin_p; CREATE TABLE plugin_p.a (id int);
    CREATE TABLE plugin_p.goose_db_version (id serial, version_id bigint, is_applied bool);
    INSERT INTO plugin_p.goose_db_version (version_id, is_applied) VALUES (1, true)`);
  const folder = await plainFolder({ '00001_a': '-- +goose Up\nCREATE TABLE a (id int);' });
  const migrations = [sqlFiles(folder, { format: 'goose' }), other];
  const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
  return { options, adopting: createRepair(options).baseline('p', { from: 'goose' }) };
}

test('a repeatable file with the number of an applied version still runs', async () => {
  const views = await plainFolder({ '1_v': 'CREATE OR REPLACE VIEW v AS SELECT 1 AS n;' });
  const { options, adopting } = await adoptBeside(sqlFiles(views, { repeatable: true }));
  expect((await adopting).changes.map(({ name }) => name)).toEqual(['00001_a.sql']);
  const { boot } = bootUnderTest(options);
  const { plugins } = await boot.migrate();
  expect(plugins.flatMap(({ applied }) => applied ?? [])).toEqual(['1_v.sql']);
  await boot.stop();
});

test('a function with the number of an applied version does not count as applied', async () => {
  const { adopting } = await adoptBeside({ name: '1_fill', run: async () => undefined });
  await expect(adopting).rejects.toMatchObject({
    code: 'REPAIR_REFUSED',
    message: expect.stringContaining('00001_a.sql, 1_fill have one version'),
  });
});
