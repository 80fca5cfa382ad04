import { beforeEach, describe, expect, test } from 'vitest';
import { definePlugin, type BootReport, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { listTables, useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const first = { '0000_orders': 'CREATE TABLE orders (id int PRIMARY KEY);' };
const second = { ...first, '0001_total': 'ALTER TABLE orders ADD COLUMN total int;' };

let folder: string;
let fresh: Database;

beforeEach(async () => {
  fresh = await db.fresh();
  folder = await migrationFolder(first);
});

/** Makes the plugin shop with these tenants. */
function shop(tenants: Plugin['tenants'], more: Partial<Plugin> = {}): Plugin {
  return { id: 'shop', migrations: folder, ...(tenants && { tenants }), ...more };
}

function tenantsIn(report: BootReport) {
  return report.plugins.find(({ id }) => id === 'shop')?.migrate.tenants;
}

describe('a plugin with tenants', () => {
  test('gets a schema for each of them, and none of its own', async () => {
    const { boot, recording } = bootUnderTest({
      pool: fresh.url,
      plugins: [shop(() => ['acme', { name: 'globex', schema: 'customer_globex' }])],
    });
    const report = await boot.start();
    expect(await listTables(fresh)).toEqual([
      'customer_globex.__drizzle_migrations',
      'customer_globex.orders',
      'plugin_shop_acme.__drizzle_migrations',
      'plugin_shop_acme.orders',
    ]);
    expect(report.plugins[0]?.migrate.outcome).toBe('done');
    expect(report.plugins[0]?.applied).toEqual(['0000_orders.sql']);
    expect(tenantsIn(report)).toMatchObject({
      total: 2,
      upToDate: 0,
      migrated: [
        { tenant: 'acme', outcome: 'done', applied: ['0000_orders.sql'] },
        { tenant: 'globex', outcome: 'done', applied: ['0000_orders.sql'] },
      ],
    });
    expect(recording.lines('plugin.migrate.finished')).toEqual(['plugin.migrate.finished shop']);
    const applied = recording.of('plugin.migrate.applied');
    expect(applied.map(({ plugin, tenant }) => `${plugin} ${tenant}`).toSorted()).toEqual([
      'shop acme',
      'shop globex',
    ]);
  });

  test('migrates only those that are behind', async () => {
    const names = ['acme', 'globex'];
    const start = async () => {
      const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop(() => names)] });
      const report = await boot.start();
      await boot.stop();
      return tenantsIn(report);
    };
    await start();
    expect(await start()).toEqual({ total: 2, upToDate: 2, migrated: [] });
    names.push('initech');
    expect(await start()).toMatchObject({ upToDate: 2, migrated: [{ tenant: 'initech' }] });
    await writeMigrations(folder, second);
    expect(await start()).toMatchObject({
      upToDate: 0,
      migrated: names.map((tenant) => ({ tenant, applied: ['0001_total.sql'] })),
    });
  });

  test('reads their names from a table, in a transaction that refuses to write', async () => {
    await fresh.query('CREATE TABLE tenants (name text, active boolean)');
    await fresh.query(
      `INSERT INTO tenants VALUES ('globex', true), ('acme', true), ('old', false)`,
    );
    const answers: unknown[] = [];
    const plugin = shop(async ({ query }) => {
      const write = query(`INSERT INTO tenants VALUES ('evil', true)`);
      answers.push(await write.catch((error: unknown) => (error as { code: string }).code));
      const update = query('UPDATE tenants SET active = $1', [false]);
      answers.push(await update.catch((error: unknown) => (error as { code: string }).code));
      answers.push((await query('SELECT count(*)::int AS count FROM tenants')).rows);
      const { rows } = await query<{ name: string }>(
        'SELECT name FROM tenants WHERE active = $1 ORDER BY name',
        [true],
      );
      return rows.map(({ name }) => name);
    });
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [plugin] });
    const report = await boot.start();
    expect(answers).toEqual(['25006', '25006', [{ count: 3 }]]);
    expect(tenantsIn(report)?.migrated.map(({ tenant }) => tenant)).toEqual(['acme', 'globex']);
  });

  test('finds no table on a first boot, which says what to do', async () => {
    const ask: Plugin['tenants'] = async ({ query }) =>
      (await query<{ name: string }>('SELECT name FROM tenants')).rows.map(({ name }) => name);
    const failed = await failureOf(
      bootUnderTest({ pool: fresh.url, plugins: [shop(ask)] }).boot.start(),
    );
    expect(failed.problems).toMatchObject([
      {
        code: 'TENANTS_INVALID',
        plugin: 'shop',
        message: 'shop: its function tenants has failed: relation "tenants" does not exist',
        hint: expect.stringContaining('to_regclass') as string,
      },
    ]);
    const guarded: Plugin['tenants'] = async (context) => {
      const { rows } = await context.query(`SELECT to_regclass('tenants') IS NOT NULL AS is_there`);
      return rows[0]?.['is_there'] === true ? ask(context) : [];
    };
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop(guarded)] });
    expect(tenantsIn(await boot.start())).toEqual({ total: 0, upToDate: 0, migrated: [] });
  });

  test('gives its init the database of each, and refuses one of its own', async () => {
    const seen: unknown[] = [];
    const plugin = definePlugin({
      id: 'shop',
      migrations: folder,
      tenants: () => ['acme', 'globex'],
      database: (pool) => ({ pool }),
      init: async ({ database, tenants }) => {
        for (const name of tenants.names) {
          const { pool } = tenants.database(name);
          await pool.query('INSERT INTO orders VALUES ($1)', [name.length]);
          expect(tenants.database(name).pool).toBe(pool);
        }
        seen.push(tenants.schema('acme'));
        expect(() => tenants.database('acmee')).toThrow(/no such tenant. Did you mean acme\?/);
        expect(() => database.pool).toThrow('shop has a schema for each tenant');
      },
    });
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [plugin] });
    await boot.start();
    expect(seen).toEqual(['plugin_shop_acme']);
    const { rows } = await boot.database('shop/globex').query('SELECT id FROM orders');
    expect(rows).toEqual([{ id: 6 }]);
    expect(() => boot.database('shop')).toThrow('shop has a schema for each tenant');
    expect(() => boot.database('shop/nope')).toThrow('no such tenant');
  });

  test('keeps their schemas through a change of its id', async () => {
    const tenants = () => ['acme', { name: 'globex', schema: 'customer_globex' }];
    const old = bootUnderTest({ pool: fresh.url, plugins: [shop(tenants, { id: 'store' })] });
    await old.boot.migrate();
    await fresh.query('INSERT INTO plugin_store_acme.orders VALUES (7)');
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [shop(tenants, { previousIds: ['store'] })],
    });
    expect(tenantsIn(await boot.start())).toMatchObject({ upToDate: 1 });
    expect((await fresh.query('SELECT id FROM plugin_shop_acme.orders')).rows).toEqual([{ id: 7 }]);
  });

  test('fails with the tenant that failed, and goes on with the others at the next boot', async () => {
    const names = ['t1', 't2', 't3', 't4'];
    const plugins = [shop(() => names)];
    const settings = { pool: fresh.url, plugins, migrations: { concurrency: 1 } };
    await bootUnderTest(settings).boot.migrate();
    await fresh.query('INSERT INTO plugin_shop_t2.orders VALUES (1)');
    await writeMigrations(folder, {
      ...first,
      '0001_total': 'ALTER TABLE orders ADD COLUMN total int NOT NULL;',
    });
    const { boot, recording } = bootUnderTest(settings);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', plugin: 'shop' });
    expect(error.message).toContain('shop/t2 could not be migrated: 0001_total.sql');
    expect(error.message).toContain('of 4 tenants of shop: 1 up to date, 1 failed (t2), 2 pending');
    expect(error.position).toMatchObject({ file: '0001_total.sql', statement: 1 });
    expect(tenantsIn(boot.report())?.migrated).toMatchObject([
      { tenant: 't1', outcome: 'done', applied: ['0001_total.sql'] },
      { tenant: 't2', outcome: 'failed', applied: [], error: { code: 'MIGRATION_FAILED' } },
      { tenant: 't3', outcome: 'notReached' },
      { tenant: 't4', outcome: 'notReached' },
    ]);
    expect(recording.lines('plugin.init.started')).toEqual([]);
    await fresh.query('TRUNCATE plugin_shop_t2.orders');
    const next = bootUnderTest(settings);
    expect(tenantsIn(await next.boot.start())).toMatchObject({
      upToDate: 1,
      migrated: [{ tenant: 't2' }, { tenant: 't3' }, { tenant: 't4' }],
    });
  });

  test.each([
    [
      'no list',
      (): unknown => 'acme',
      'to be an array of names, or of { name, schema }, got "acme"',
    ],
    ['no names', () => [7], 'number 1, to be a name without spaces around it'],
    ['an empty name', () => [''], 'number 1, to be a name without spaces around it'],
    ['a hole', () => Array.from({ length: 1 }), 'number 1, to be a name'],
    ['a name twice', () => ['a', 'b', 'a'], 'number 3, to be a name that no other tenant has'],
    ['a long name', () => ['a'.repeat(60)], 'the schema of shop/aaa'],
    ['a reserved schema', () => [{ name: 'a', schema: 'pg_a' }], 'which PostgreSQL reserves'],
    ['public', () => [{ name: 'a', schema: 'public' }], 'another one than "public"'],
    [
      'one schema twice',
      () => ['a', { name: 'b', schema: 'plugin_shop_a' }],
      'shop/a does not have',
    ],
    ['the schema of a plugin', () => [{ name: 'a', schema: 'plugin_auth' }], 'the plugin auth'],
    ['unknown fields', () => [{ name: 'a', plan: 'pro' }], 'or { name, schema }'],
    ['too many', () => Array.from({ length: 100_001 }, () => 'a'), 'at most 100000 names'],
  ] as const)('that returns %s changes nothing', async (_, tenants, message) => {
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [shop(tenants as Plugin['tenants']), { id: 'auth', migrations: [] }],
    });
    const { problems } = await failureOf(boot.start());
    expect(problems).toMatchObject([
      {
        code: 'TENANTS_INVALID',
        plugin: 'shop',
        message: expect.stringContaining(message) as string,
      },
    ]);
    expect(await listTables(fresh)).toEqual([]);
  });

  test('whose names never come is given up after the time of an init', async () => {
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [shop(() => new Promise(() => {}), { timeouts: { init: 50 } })],
    });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'TENANTS_INVALID', plugin: 'shop' });
    expect(error.message).toContain('has not settled within 50 ms');
  });

  test('whose names never come does not hold a stop', async () => {
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [shop(({ query }) => query('SELECT pg_sleep(600)') as unknown as Promise<[]>)],
    });
    const started = failureOf(boot.start());
    await boot.stop('enough');
    expect(await started).toMatchObject({ code: 'BOOT_CANCELED' });
  });
});

describe('a boot with tenants', () => {
  const names = Array.from({ length: 1_001 }, (_, at) => `t${at}`);

  /** Makes the schemas of tenants as the migration of the first of them has left it. */
  async function copyFirst(count: number): Promise<void> {
    await bootUnderTest({
      pool: fresh.url,
      plugins: [shop(() => names.slice(0, 1))],
    }).boot.migrate();
    await fresh.query(`DO $$ BEGIN FOR at IN 1..${count - 1} LOOP
      EXECUTE format('CREATE SCHEMA plugin_shop_t%s', at);
      EXECUTE format('CREATE TABLE plugin_shop_t%s.__drizzle_migrations AS TABLE plugin_shop_t0.__drizzle_migrations', at);
    END LOOP; END $$`);
  }

  test.each([
    [1_000, 2],
    [1_001, 3],
  ])(
    'with nothing to do for %i of them sends %i statements, and takes one client',
    async (count, statements) => {
      await copyFirst(count);
      await using proxy = await startProxy(fresh.url);
      const { boot, recording } = bootUnderTest({
        pool: proxy.url,
        plugins: [shop(async () => names.slice(0, count))],
      });
      const report = await boot.start();
      await boot.stop();
      expect(report.database?.statements).toBe(statements);
      expect(proxy.statements).toHaveLength(statements);
      expect(tenantsIn(report)).toEqual({ total: count, upToDate: count, migrated: [] });
      expect(JSON.stringify(report).length).toBeLessThan(5_000);
      expect(recording.lines('plugin.migrate.planned')).toEqual(['plugin.migrate.planned shop']);
      expect(recording.lines('plugin.migrate.connecting')).toEqual([]);
    },
  );
});
