import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { createRepair, definePlugin, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

interface Releases {
  readonly database: Database;
  /** The plugin under an id; each release may have more ids behind it. */
  readonly called: (id: string, previousIds?: readonly string[]) => Plugin;
  readonly options: (plugin: Plugin, more?: Partial<BootOptions>) => BootOptions;
  /** What each start has read from the plugin's own database. */
  readonly seen: unknown[];
}

/** A database in which the release with the id `inventory` has left an item. */
async function given(): Promise<Releases> {
  const database = await db.fresh();
  const migrations = await migrationFolder({ '0000_items': 'CREATE TABLE items (name text);' });
  const seen: unknown[] = [];
  const called: Releases['called'] = (id, previousIds) =>
    definePlugin({
      id,
      migrations,
      ...(previousIds && { previousIds }),
      init: async ({ database: pool }: { readonly database: Pool }) => {
        seen.push((await pool.query('SELECT name FROM items')).rows);
      },
    });
  const options: Releases['options'] = (plugin, more = {}) => {
    return { pool: database.url, plugins: [plugin], ...more };
  };
  await bootUnderTest(options(called('inventory'))).boot.migrate();
  await database.query(`INSERT INTO plugin_inventory.items VALUES ('kept')`);
  return { database, called, options, seen };
}

async function schemasIn({ query }: Database): Promise<readonly string[]> {
  const { rows } = await query<{ name: string }>(
    `SELECT nspname::text AS name FROM pg_namespace WHERE nspname LIKE 'plugin%' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('a plugin with a new id', () => {
  it('goes on with the data it had, and the plan and the events say so', async () => {
    const { database, called, options, seen } = await given();
    const stock = options(called('stock', ['inventory']));
    const plan = await bootUnderTest(stock).boot.plan();
    expect(plan.plugins).toMatchObject([
      {
        id: 'stock',
        schema: 'plugin_stock',
        renameFrom: 'plugin_inventory',
        applied: ['0000_items.sql'],
        pending: [],
      },
    ]);
    expect(plan.problems).toEqual([]);
    expect(await schemasIn(database)).toEqual(['plugin_inventory']);

    const { boot, recording } = bootUnderTest(stock);
    const report = await boot.start();
    expect(report.plugins[0]).toMatchObject({
      schema: 'plugin_stock',
      migrate: { outcome: 'done' },
    });
    expect(recording.of('plugin.migrate.planned')).toMatchObject([
      { renameFrom: 'plugin_inventory', pending: [], applied: ['0000_items.sql'] },
    ]);
    expect(recording.of('plugin.migrate.renamed')).toMatchObject([
      { plugin: 'stock', from: 'plugin_inventory', to: 'plugin_stock' },
    ]);
    expect(recording.lines('plugin.migrate')).toEqual([
      'plugin.migrate.planned stock',
      'plugin.migrate.connecting stock',
      'plugin.migrate.renamed stock',
      'plugin.migrate.started stock',
      'plugin.migrate.finished stock',
    ]);
    expect(seen).toEqual([[{ name: 'kept' }]]);

    const again = bootUnderTest(stock);
    expect((await again.boot.start()).plugins[0]?.migrate.outcome).toBe('upToDate');
    expect(again.recording.of('plugin.migrate.planned')[0]).not.toHaveProperty('renameFrom');
    expect(await schemasIn(database)).toEqual(['plugin_stock']);
  });

  it('stops the replicas of the older release before they make an empty schema', async () => {
    const { database, called, options, seen } = await given();
    await bootUnderTest(options(called('stock', ['inventory']))).boot.migrate();
    for (const mode of ['apply', 'verify', 'wait'] as const) {
      const { boot } = bootUnderTest(options(called('inventory'), { migrations: { mode } }));
      const error = await failureOf(boot.start());
      expect(error.problems).toMatchObject([
        {
          code: 'MIGRATION_RENAMED',
          plugin: 'inventory',
          message:
            'inventory: its schema "plugin_inventory" is "plugin_stock" now, of the plugin stock',
        },
      ]);
    }
    expect(seen).toEqual([]);
    expect(await schemasIn(database)).toEqual(['plugin_stock']);
  });

  it('is pending for processes that apply nothing', async () => {
    const { called, options } = await given();
    const stock = called('stock', ['inventory']);
    const verify = bootUnderTest(options(stock, { migrations: { mode: 'verify' } }));
    expect((await failureOf(verify.boot.start())).problems).toMatchObject([
      {
        code: 'MIGRATION_PENDING',
        message: 'stock has its schema still under the name plugin_inventory',
      },
    ]);
    const { boot } = bootUnderTest(options(stock, { migrations: { mode: 'wait' } }));
    const waiting = new Promise<void>((resolve) => boot.once('boot.waiting', () => resolve()));
    const started = boot.start();
    await waiting;
    await bootUnderTest(options(stock)).boot.migrate();
    expect((await started).outcome).toBe('ready');
  });

  it('is renamed once by any number of replicas that boot together', async () => {
    const { called, options, seen } = await given();
    const stock = options(called('stock', ['inventory']));
    const boots = Array.from({ length: 5 }, () => bootUnderTest(stock));
    const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
    expect(reports.map(({ outcome }) => outcome)).toEqual(boots.map(() => 'ready'));
    const renamed = boots.flatMap(({ recording }) => recording.of('plugin.migrate.renamed'));
    expect(renamed).toHaveLength(1);
    expect(seen).toEqual(boots.map(() => [{ name: 'kept' }]));
  });

  it('is up, and alone, also when the older release boots at the same time', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { database, called, options } = await given();
      const old = bootUnderTest(options(called('inventory')));
      const stock = bootUnderTest(options(called('stock', ['inventory'])));
      const [newer] = await Promise.allSettled([stock.boot.start(), old.boot.start()]);
      expect(newer).toMatchObject({ status: 'fulfilled', value: { outcome: 'ready' } });
      expect(await schemasIn(database)).toEqual(['plugin_stock']);
    }
  });

  it('does not boot when both schemas have something, and changes neither', async () => {
    const { database, called, options } = await given();
    await bootUnderTest(options(called('stock'))).boot.migrate();
    const { boot } = bootUnderTest(options(called('stock', ['inventory'])));
    expect((await failureOf(boot.start())).problems).toMatchObject([
      { code: 'MIGRATION_RENAME_CONFLICT', plugin: 'stock' },
    ]);
    expect(await schemasIn(database)).toEqual(['plugin_inventory', 'plugin_stock']);
  });

  it('is repaired only under the name that its schema has', async () => {
    const { database, called, options } = await given();
    const stock = options(called('stock', ['inventory']));
    const error = await failureOf(createRepair(stock).baseline('stock'));
    expect(error).toMatchObject({
      code: 'REPAIR_REFUSED',
      message: 'stock: its schema is still called "plugin_inventory"',
    });
    expect(await schemasIn(database)).toEqual(['plugin_inventory']);
  });

  it('once made an empty schema again when the older release repaired it: now it says who has it', async () => {
    const { database, called, options, seen } = await given();
    const stock = options(called('stock', ['inventory']));
    await bootUnderTest(stock).boot.migrate();
    const repair = createRepair(options(called('inventory')));
    const calls = [
      () => repair.baseline('inventory'),
      () => repair.baseline('inventory', { dryRun: true }),
      () => repair.markApplied('inventory', ['0000_items']),
      () => repair.relocate('inventory'),
    ];
    for (const call of calls) {
      const error = await failureOf(call());
      expect(error).toMatchObject({ code: 'MIGRATION_RENAMED', plugin: 'inventory' });
    }
    expect(await schemasIn(database)).toEqual(['plugin_stock']);
    await bootUnderTest(stock).boot.start();
    expect(seen).toEqual([[{ name: 'kept' }]]);
  });

  it('does not boot beside a plugin that has the old one, also when that is switched off', async () => {
    const { database, called, options } = await given();
    const plugins = [called('stock', ['inventory']), { ...called('inventory'), required: false }];
    const conflict = { code: 'GRAPH_INVALID', problems: [{ code: 'PREVIOUS_ID_CONFLICT' }] };
    const both = options(called('stock'), { plugins, registry: true });
    expect(await failureOf(bootUnderTest(both).boot.start())).toMatchObject(conflict);
    const alone = options({ ...called('inventory'), required: false }, { registry: true });
    await bootUnderTest(alone).boot.migrate();
    await database.query('UPDATE slipway.plugins SET enabled = false');
    expect(await failureOf(bootUnderTest(both).boot.start())).toMatchObject(conflict);
  });

  it('stays switched off under its new id, and the row of the old one stays', async () => {
    const { database, called, options, seen } = await given();
    const optional = (plugin: Plugin): BootOptions =>
      options({ ...plugin, required: false }, { registry: true });
    await bootUnderTest(optional(called('inventory'))).boot.migrate();
    await database.query('UPDATE slipway.plugins SET enabled = false');
    for (let boots = 0; boots < 2; boots += 1) {
      const { boot, recording } = bootUnderTest(optional(called('stock', ['inventory'])));
      await boot.start();
      expect(recording.of('plugin.discovered')).toMatchObject([
        { plugin: 'stock', enabled: false },
      ]);
    }
    const rows = 'SELECT id, enabled FROM slipway.plugins ORDER BY id';
    expect((await database.query(rows)).rows).toEqual([
      { id: 'inventory', enabled: false },
      { id: 'stock', enabled: false },
    ]);
    expect(await schemasIn(database)).toEqual(['plugin_inventory']);
    await database.query(`UPDATE slipway.plugins SET enabled = true WHERE id = 'stock'`);
    await bootUnderTest(optional(called('stock', ['inventory']))).boot.start();
    expect(seen).toEqual([[{ name: 'kept' }]]);
  });
});
