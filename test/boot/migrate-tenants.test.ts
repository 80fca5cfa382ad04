import type { Pool } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  definePlugin,
  type MigrationFunction,
  type Plugin,
  type PluginTenants,
  type Tenant,
} from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

let fresh: Database;
let names: string[];
let tenants: PluginTenants<unknown>;
let asked: number;

/** A shop whose tenants are in `names`. */
async function shop(more: Partial<Plugin> = {}): Promise<Plugin> {
  const migrations = await migrationFolder({ '0000_orders': 'CREATE TABLE orders (id int);' });
  const plugin = definePlugin({
    id: 'shop',
    migrations,
    tenants: () => {
      asked += 1;
      return [...names];
    },
    init: (context) => {
      ({ tenants } = context);
    },
  });
  return { ...plugin, ...more };
}

beforeEach(async () => {
  fresh = await db.fresh();
  names = ['acme'];
  asked = 0;
});

describe('migrateTenants()', () => {
  test('makes the schema of a tenant that has signed up since', async () => {
    const { boot, recording } = bootUnderTest({ pool: fresh.url, plugins: [await shop()] });
    await boot.start();
    names.push('globex');
    expect(() => tenants.database('globex')).toThrow('shop has no such tenant');
    expect(await boot.migrateTenants('shop')).toMatchObject({
      total: 2,
      upToDate: 1,
      migrated: [{ tenant: 'globex', outcome: 'done', applied: ['0000_orders.sql'] }],
    });
    expect(tenants.names).toEqual(['acme', 'globex']);
    const { rows } = await boot.database('shop/globex').query('SELECT count(*)::int FROM orders');
    expect(rows).toEqual([{ count: 0 }]);
    expect(recording.lines('plugin.migrate.finished')).toEqual(['plugin.migrate.finished shop']);
    expect(recording.of('plugin.migrate.settled').map(({ tenant }) => tenant)).toEqual([
      'acme',
      'globex',
    ]);
    const report = boot.report().plugins[0]?.migrate.tenants;
    expect(report).toMatchObject({
      total: 2,
      migrated: [{ tenant: 'acme' }, { tenant: 'globex' }],
    });
    expect(await boot.migrateTenants('shop')).toEqual({ total: 2, upToDate: 2, migrated: [] });
  });

  test('asks once more for all calls that come while it runs', async () => {
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [await shop()] });
    await boot.start();
    const calls = Array.from({ length: 20 }, async (_, at) => {
      names.push(`t${at}`);
      await boot.migrateTenants('shop');
      expect(tenants.schema(`t${at}`)).toBe(`plugin_shop_t${at}`);
    });
    await Promise.all(calls);
    expect(asked).toBeLessThanOrEqual(3);
    expect(tenants.names).toHaveLength(21);
  });

  test('is safe in two replicas at once', async () => {
    const plugins = [await shop()];
    const boots = [1, 2].map(() => bootUnderTest({ pool: fresh.url, plugins }).boot);
    await Promise.all(boots.map((boot) => boot.start()));
    names.push('globex');
    const reports = await Promise.all(boots.map((boot) => boot.migrateTenants('shop')));
    expect(reports.flatMap(({ migrated }) => migrated.flatMap(({ applied }) => applied))).toEqual([
      '0000_orders.sql',
    ]);
  });

  test('that fails says why, and the next call goes on', async () => {
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [await shop()] });
    await boot.start();
    names.push('globex');
    await fresh.query(
      'CREATE SCHEMA plugin_shop_globex; CREATE TABLE plugin_shop_globex.orders ()',
    );
    const error = await failureOf(boot.migrateTenants('shop'));
    expect(error.message).toContain('shop/globex could not be migrated: 0000_orders.sql');
    expect(tenants.names).toEqual(['acme']);
    await fresh.query('DROP TABLE plugin_shop_globex.orders');
    await boot.migrateTenants('shop');
    expect(tenants.names).toEqual(['acme', 'globex']);
  });

  test('that gives a name another schema, or takes it away, is followed by the databases', async () => {
    const list: Tenant[] = [{ name: 'acme', schema: 'first' }];
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [await shop({ tenants: () => list })],
    });
    await boot.start();
    const ask = async (pool: Pool) => (await pool.query('SELECT current_schema() AS is')).rows[0];
    const read = async () => [
      await ask(tenants.database('acme') as Pool),
      await ask(boot.database('shop/acme')),
    ];
    expect(await read()).toEqual([{ is: 'first' }, { is: 'first' }]);
    list.splice(0, 1, 'globex', { name: 'acme', schema: 'second' });
    await boot.migrateTenants('shop');
    expect(await read()).toEqual([{ is: 'second' }, { is: 'second' }]);
    expect(tenants.names).toEqual(['globex', 'acme']);
    list.pop();
    await boot.migrateTenants('shop');
    expect(() => tenants.database('acme')).toThrow('shop has no such tenant');
    expect(() => boot.database('shop/acme')).toThrow('shop has no such tenant');
  });

  test('is canceled by a stop, and leaves no connection', async () => {
    const migrations: MigrationFunction[] = [
      { name: 'slow', run: (client) => client.query('SELECT pg_sleep(600)') },
    ];
    const { boot, recording } = bootUnderTest({
      pool: fresh.url,
      plugins: [await shop({ migrations })],
    });
    names = [];
    await boot.start();
    names.push('globex');
    const applying = recording.next('plugin.migrate.executing shop');
    const call = failureOf(boot.migrateTenants('shop'));
    await applying;
    await boot.stop('enough');
    expect(await call).toMatchObject({
      code: 'BOOT_CANCELED',
      plugin: 'shop',
      message: 'The migration of the tenants of shop was canceled, because the boot stops',
    });
  });

  test('is canceled by a removal, also while it waits for its turn, and leaves what is added next alone', async () => {
    const migrations: MigrationFunction[] = [
      { name: 'slow', run: (client) => client.query('SELECT pg_sleep(600)') },
    ];
    names = [];
    const plugin = await shop({ migrations });
    const { boot, recording } = bootUnderTest({ pool: fresh.url, plugins: [plugin] });
    await boot.start();
    names.push('globex');
    const applying = recording.next('plugin.migrate.executing shop');
    const calls = [failureOf(boot.migrateTenants('shop'))];
    await applying;
    calls.push(failureOf(boot.migrateTenants('shop')));
    await boot.remove('shop');
    const errors = await Promise.all(calls);
    for (const { code, message } of errors) {
      expect([code, message]).toEqual([
        'BOOT_CANCELED',
        'The migration of the tenants of shop was canceled, because the plugin is removed',
      ]);
    }
    expect(asked).toBe(2);
    await boot.add(await shop());
    expect(tenants.names).toEqual(['globex']);
    names.push('acme');
    expect(await boot.migrateTenants('shop')).toMatchObject({ total: 2, upToDate: 1 });
  });

  test('makes a database once, also one that is undefined', async () => {
    const made: unknown[] = [];
    const database = (pool: unknown): undefined => void made.push(pool);
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [await shop({ database })] });
    await boot.start();
    expect([tenants.database('acme'), tenants.database('acme')]).toEqual([undefined, undefined]);
    expect(made).toHaveLength(1);
  });

  test('is refused for a plugin without tenants, and by a boot that is not up', async () => {
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [{ id: 'auth' }] });
    expect(await failureOf(boot.migrateTenants('auth'))).toMatchObject({ code: 'BOOT_NOT_UP' });
    await boot.start();
    expect((await failureOf(boot.migrateTenants('auth'))).message).toContain('no option tenants');
    expect((await failureOf(boot.migrateTenants('shop'))).message).toContain('is not up');
  });
});
