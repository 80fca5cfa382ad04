import { expect, test } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, timestampFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

test('plugins and a host with folders of drizzle-kit 0.x and 1.x boot together, again and again', async () => {
  const { url, query } = await db.fresh();
  const sql = 'CREATE TYPE "public"."state" AS ENUM (\'a\'); CREATE TABLE t (s "public"."state");';
  const old = await migrationFolder({ '0000_init': sql });
  const young = await timestampFolder({ '20240102030405_init': sql });
  const options = {
    pool: url,
    host: { migrations: await timestampFolder({ '20240102030405_host': 'CREATE TABLE h ();' }) },
    plugins: [
      { id: 'old', migrations: old },
      { id: 'young', migrations: young, after: ['old'] },
    ],
  };
  const first = bootUnderTest(options);
  await first.boot.start();
  expect(first.recording.of('plugin.migrate.applied').map(({ file }) => file)).toEqual([
    '20240102030405_host/migration.sql',
    '0000_init.sql',
    '20240102030405_init/migration.sql',
  ]);
  const second = bootUnderTest(options);
  await second.boot.start();
  expect(second.recording.outcomes('migrate')).toEqual({
    host: 'upToDate',
    old: 'upToDate',
    young: 'upToDate',
  });
  const { rows } = await query(
    "SELECT to_regtype('plugin_old.state') IS NOT NULL AS old, to_regtype('plugin_young.state') IS NOT NULL AS young",
  );
  expect(rows).toEqual([{ old: true, young: true }]);
});
