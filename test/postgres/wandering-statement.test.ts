import { expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';
import { wanderingPool } from './wandering.ts';

const db = useDatabase();

/** Once, the check after a statement asked only for a transaction: another connection's was as good as ours. */
test('a statement that goes out on another connection inside a transaction is found out, and undone', async () => {
  const pool = db.pool();
  const [pinned, other] = [await pool.connect(), await pool.connect()];
  await other.query('BEGIN');
  const plugin = await pluginWith('wanderer', { '0000_init': 'create table wandered (id int);' });

  const error = await errorOf(
    migratePlugin(wanderingPool(pinned, other), plugin, migrateOptions()),
  );

  await other.query('COMMIT');
  pinned.release(true);
  other.release(true);
  expect(error).toMatchObject({ code: 'MIGRATION_WRONG_SCHEMA' });
  const { rows } = await db.query(`select to_regclass('public.wandered') as stray`);
  expect(rows).toEqual([{ stray: null }]);
});
