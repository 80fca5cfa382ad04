import { describe, expect, it } from 'vitest';
import { createRepair, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { thrice } from '../support/repairs.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const mixed = (last: string): string => `-- slipway: no-transaction
INSERT INTO items VALUES (2);
CREATE INDEX CONCURRENTLY items_id ON items (id);
${last}`;
const files = (last: string) => ({
  '0000_items': 'CREATE TABLE items (id int);',
  '0001_mixed': mixed(last),
});
const failing = files('SELECT 1 / 0;\nINSERT INTO items VALUES (4);');
const corrected = files('SELECT 1;\nINSERT INTO items VALUES (4);');

/** A database in which the third of four commands of the plugin `inventory` has failed. */
async function stopped(id = 'inventory') {
  const database = await db.fresh();
  const migrations = await migrationFolder(failing);
  const options: BootOptions = { pool: database.url, plugins: [{ id, migrations }] };
  const error = await failureOf(bootUnderTest(options).boot.start());
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', position: { statement: 3 } });
  return { database, migrations, options };
}

const itemsIn = async ({ query }: Database, schema: string) => {
  const { rows } = await query<{ id: number }>(`SELECT id FROM ${schema}.items ORDER BY 1`);
  return rows.map(({ id }) => id);
};
const tableIn = async ({ query }: Database, schema: string) => {
  const { rows } = await query(`SELECT to_regclass('${schema}.__slipway_unfinished') AS table`);
  return rows[0]?.['table'] as unknown;
};

describe('an unfinished file', () => {
  it('is in the plan with the command that it goes on at and those that are left', async () => {
    const { database, options } = await stopped();
    const plan = await bootUnderTest(options).boot.plan();
    expect(plan.problems).toEqual([]);
    expect(plan.plugins[0]?.pending).toMatchObject([
      {
        file: '0001_mixed.sql',
        transaction: false,
        goesOnAt: 3,
        statements: [
          { text: 'SELECT 1 / 0', line: 4, column: 1 },
          { text: 'INSERT INTO items VALUES (4);', line: 5, column: 1 },
        ],
      },
    ]);
    expect(await itemsIn(database, 'plugin_inventory')).toEqual([2]);
  });

  it('goes on after its plugin got a new id', async () => {
    const { database, migrations } = await stopped();
    await writeMigrations(migrations, corrected);
    const { boot, recording } = bootUnderTest({
      pool: database.url,
      plugins: [{ id: 'stock', previousIds: ['inventory'], migrations }],
    });
    const { plugins } = await boot.plan();
    expect(plugins[0]).toMatchObject({
      renameFrom: 'plugin_inventory',
      pending: [{ goesOnAt: 3 }],
    });
    await boot.start();
    expect(recording.of('plugin.migrate.applying')).toMatchObject([{ goesOnAt: 3, statements: 4 }]);
    expect(await itemsIn(database, 'plugin_stock')).toEqual([2, 4]);
    expect(await tableIn(database, 'plugin_stock')).toBeNull();
  });

  it('of the host has its table beside the history of the host', async () => {
    const database = await db.fresh();
    const migrations = await migrationFolder(failing);
    const options: BootOptions = { pool: database.url, plugins: [], host: { migrations } };
    await failureOf(bootUnderTest(options).boot.start());
    expect(await tableIn(database, 'drizzle')).toBe('drizzle.__slipway_unfinished');
    await writeMigrations(migrations, corrected);
    await bootUnderTest(options).boot.start();
    expect(await itemsIn(database, 'public')).toEqual([2, 4]);
    expect(await tableIn(database, 'drizzle')).toBeNull();
  });

  it('stops the boot before anything is changed when a command was edited that has run', async () => {
    const { database, migrations, options } = await stopped();
    const edited = corrected['0001_mixed'].replace('VALUES (2)', 'VALUES (3)');
    await writeMigrations(migrations, { ...corrected, '0001_mixed': edited });
    const error = await failureOf(bootUnderTest(options).boot.start());
    expect(error).toMatchObject({
      code: 'PLAN_INVALID',
      problems: [{ code: 'MIGRATION_EDITED', file: '0001_mixed.sql', line: 2, column: 1 }],
    });
    expect(await itemsIn(database, 'plugin_inventory')).toEqual([2]);
  });

  it('counts as pending where a boot does not migrate', async () => {
    const { options } = await stopped();
    const { boot } = bootUnderTest({ ...options, migrations: { mode: 'verify' } });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'PLAN_INVALID',
      problems: [{ code: 'MIGRATION_PENDING' }],
    });
  });

  it.each(['markApplied', 'baseline'] as const)('is finished by repair.%s()', async (repair) => {
    const { database, options } = await stopped();
    const repairs = createRepair(options);
    const report = await thrice(database, (dryRun) =>
      repair === 'baseline'
        ? repairs.baseline('inventory', { dryRun })
        : repairs.markApplied('inventory', ['0001_mixed'], { dryRun }),
    );
    expect(report.changes).toEqual([
      {
        kind: 'file',
        name: '0001_mixed.sql',
        change: 'written into the history, and not run any further: 2 of its commands had run',
      },
    ]);
    expect(await tableIn(database, 'plugin_inventory')).toBeNull();
    const { boot, recording } = bootUnderTest(options);
    await boot.start();
    expect(recording.of('plugin.migrate.applying')).toEqual([]);
  });
});
