import { beforeEach, describe, expect, test } from 'vitest';
import { createRepair, type Plugin } from '../../src/index.ts';
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
