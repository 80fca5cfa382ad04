import { beforeEach, describe, expect, test } from 'vitest';
import { createRepair, type Plugin } from '../../src/index.ts';
import { groupFindings } from '../../src/boot/migrate-all/group-findings.ts';
import { problem } from '../../src/core/error-codes.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';

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
function shop(tenants: NonNullable<Plugin['tenants']>): Plugin {
  return { id: 'shop', migrations: folder, tenants };
}

describe('plan()', () => {
  test('groups the tenants by what is pending', async () => {
    const names = ['acme', 'globex'];
    const options = { pool: fresh.url, plugins: [shop(() => names)] };
    await bootUnderTest(options).boot.migrate();
    await writeMigrations(folder, second);
    names.push('initech');
    const [plan] = (await bootUnderTest(options).boot.plan()).plugins;
    expect(plan).toMatchObject({
      id: 'shop',
      tenants: {
        total: 3,
        upToDate: 0,
        behind: [
          { tenants: ['acme', 'globex'], pending: ['0001_total.sql'] },
          { tenants: ['initech'], pending: ['0000_orders.sql', '0001_total.sql'] },
        ],
      },
      applied: [],
      pending: [{ file: '0000_orders.sql' }, { file: '0001_total.sql' }],
    });
    expect(plan).not.toHaveProperty('schema');
  });

  test('keeps the order of the files, whichever tenant lacks which', async () => {
    const names = ['0000_orders', '0001_a', '0002_b', '0003_c'];
    await writeMigrations(folder, { ...first, '0001_a': '', '0002_b': '', '0003_c': '' });
    const options = { pool: fresh.url, plugins: [shop(() => ['acme', 'globex'])] };
    await bootUnderTest(options).boot.migrate();
    const forget = (tenant: string, ids: readonly number[]) =>
      fresh.query(`DELETE FROM plugin_shop_${tenant}.__drizzle_migrations WHERE id = ANY($1)`, [
        ids,
      ]);
    await forget('acme', [2]);
    await forget('globex', [3, 4]);
    const { boot, recording } = bootUnderTest(options);
    await boot.migrate();
    expect(recording.of('plugin.migrate.planned')[0]).toMatchObject({
      applied: ['0000_orders.sql'],
      pending: names.slice(1).map((name) => `${name}.sql`),
    });
  });

  test('names apart what tenants do not have in common, and loses nothing of it', async () => {
    await writeMigrations(folder, second);
    const options = { pool: fresh.url, plugins: [shop(() => ['acme', 'globex', 'initech'])] };
    await bootUnderTest(options).boot.migrate();
    await fresh.query('DELETE FROM plugin_shop_acme.__drizzle_migrations WHERE id = 2');
    await fresh.query('DELETE FROM plugin_shop_initech.__drizzle_migrations WHERE id = 2');
    await fresh.query('DELETE FROM plugin_shop_globex.__drizzle_migrations');
    const { boot } = bootUnderTest({ ...options, migrations: { mode: 'verify' } });
    expect((await failureOf(boot.start())).problems).toMatchObject([
      {
        message:
          'shop/acme has migrations that are not applied: 0001_total.sql (the same with 1 further tenant: initech)',
      },
      {
        message: 'shop/globex has migrations that are not applied: 0000_orders.sql, 0001_total.sql',
      },
    ]);
  });

  test('keeps two findings of one tenant, also without a file', () => {
    const found = ['a', 'b'].flatMap((tenant) =>
      ['USAGE', 'CREATE'].map((right) => {
        const message = `no ${right} on ${tenant}${tenant}`;
        return problem('DATABASE_PRIVILEGE', message, { plugin: `shop/${tenant}` });
      }),
    );
    const schemas = [
      { id: 'shop/a', schema: 'aa' },
      { id: 'shop/b', schema: 'bb' },
    ];
    expect(groupFindings(found, schemas).map(({ message }) => message)).toEqual([
      'no USAGE on aa (the same with 1 further tenant: b)',
      'no CREATE on aa (the same with 1 further tenant: b)',
    ]);
  });

  test('names what tenants have in common once', async () => {
    const options = { pool: fresh.url, plugins: [shop(() => ['acme', 'globex', 'initech'])] };
    await bootUnderTest(options).boot.migrate();
    await writeMigrations(folder, {
      '0000_orders': 'CREATE TABLE orders (id bigint PRIMARY KEY);',
    });
    const { warnings } = await bootUnderTest(options).boot.plan();
    expect(warnings).toMatchObject([
      {
        code: 'MIGRATION_EDITED',
        plugin: 'shop',
        message:
          'shop/acme: 0000_orders.sql was changed after it was applied (the same with 2 further tenants: globex, initech)',
      },
    ]);
    const repair = createRepair(options);
    const refused = await failureOf(repair.acceptEdited('shop'));
    expect(refused.message).toBe('shop: it has tenants, and each is repaired by itself');
    await repair.acceptEdited('shop/globex');
    const left = await bootUnderTest(options).boot.plan();
    expect(left.warnings[0]?.message).toContain('the same with 1 further tenant: initech');
    expect((await failureOf(repair.acceptEdited('shop/globx'))).message).toBe(
      'shop/globx: shop has no such tenant. Did you mean shop/globex?',
    );
    expect((await repair.holder('shop/acme')).schema).toBe('plugin_shop_acme');
  });
});
