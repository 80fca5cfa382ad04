import { describe, expect, it } from 'vitest';
import { createRepair } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { check } from '../support/examinations.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { writeSnapshots } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** A plugin that has been migrated, with a table in its schema and one in its further schema, which has the prefix of plugins. */
async function given() {
  const database = await db.fresh();
  const migrations = await migrationFolder({
    '0000_items': `CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE TABLE items (id int DEFAULT touch());
      CREATE TABLE plugin_reports.totals (n int DEFAULT touch());`,
  });
  await writeSnapshots(migrations, { '0000_items': { tables: ['items'] } });
  const plugin = { id: 'catalog', migrations, schemas: ['plugin_reports'] };
  const options = { pool: database.url, plugins: [plugin] };
  await bootUnderTest(options).boot.migrate();
  return { ...database, database, options, plugin };
}

describe('the doctor', () => {
  it('knows the further schemas of a plugin as its own, also of a disabled one', async () => {
    const { database, options, plugin } = await given();
    expect(await check('orphaned-schemas', options)).toMatchObject({ status: 'ok' });
    await database.query('CREATE SCHEMA plugin_gone');
    const registry = { ...options, registry: true };
    await bootUnderTest(registry).boot.migrate();
    await database.query(`UPDATE slipway.plugins SET enabled = false`);
    expect(await check('orphaned-schemas', registry)).toMatchObject({
      found: 'No plugin has the id of "plugin_gone" (0 tables, no history)',
    });
    const without = { ...options, plugins: [{ ...plugin, schemas: [] }] };
    expect((await check('orphaned-schemas', without)).found).toContain('"plugin_reports" (1 table');
  });

  it('finds invalid indexes and missing rights in them', async () => {
    const { database, options } = await given();
    const { name: role, query } = database;
    await query('INSERT INTO plugin_reports.totals VALUES (1), (1)');
    const building = query('CREATE UNIQUE INDEX CONCURRENTLY one ON plugin_reports.totals (n)');
    await expect(building).rejects.toThrow('could not create unique index');
    expect(await check('invalid-indexes', options)).toMatchObject({
      evidence: { indexes: ['"plugin_reports"."one" on totals'] },
    });
    await query(`CREATE ROLE ${role} LOGIN; GRANT USAGE, CREATE ON SCHEMA plugin_catalog TO ${role};
      GRANT SELECT ON plugin_catalog.__drizzle_migrations TO ${role}`);
    try {
      const login = new URL(database.url);
      login.username = role;
      const found = await check('privileges', { ...options, pool: login.href });
      expect(found.evidence).toMatchObject({
        lacks: [
          'CREATE on the database',
          'USAGE on "plugin_reports"',
          'CREATE on "plugin_reports"',
        ],
      });
    } finally {
      await query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });
});

describe('relocate', () => {
  it('moves only what belongs into the own schema, with the functions that both schemas use', async () => {
    const { database, options } = await given();
    await database.query(
      'ALTER TABLE plugin_catalog.items SET SCHEMA public; ALTER FUNCTION plugin_catalog.touch SET SCHEMA public',
    );
    const { changes, left } = await createRepair(options).relocate('catalog');
    expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'function touch()',
      'table items',
    ]);
    expect(left).toEqual([]);
    expect((await bootUnderTest(options).boot.start()).outcome).toBe('ready');
  });
});
