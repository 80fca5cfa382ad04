import { beforeEach, describe, expect, test } from 'vitest';
import { createRepair, type Plugin, type Tenant } from '../../src/index.ts';
import { nameTenantSchemas } from '../../src/boot/migrate-all/tenant-schemas.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { listTables, useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

let fresh: Database;
let folder: string;
let list: Tenant[];
let auth: Plugin;

/** A shop whose tenants are in `list`. */
function shop(more: Partial<Plugin> = {}): Plugin {
  return { id: 'shop', migrations: folder, tenants: () => list, ...more };
}

beforeEach(async () => {
  fresh = await db.fresh();
  folder = await migrationFolder({ '0000_orders': 'CREATE TABLE orders (id int);' });
  const users = await migrationFolder({ '0000_users': 'CREATE TABLE users (id int);' });
  auth = { id: 'auth', migrations: users };
  list = [];
});

describe('the schema of a tenant is never that of', () => {
  const inAuth = { name: 'evil', schema: 'plugin_auth' };

  test('another plugin, also when the tenant signs up later', async () => {
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop(), auth] });
    await boot.start();
    list = [inAuth];
    const { problems } = await failureOf(boot.migrateTenants('shop'));
    expect(problems?.[0]?.message).toContain('a tenant whose schema the plugin auth does not have');
  });

  test('a plugin that is up when its own is added', async () => {
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [auth] });
    await boot.start();
    list = [inAuth];
    const { problems } = await failureOf(boot.add(shop()));
    expect(problems?.[0]?.message).toContain('a tenant whose schema the plugin auth does not have');
  });

  test('a tenant of a plugin that is up', async () => {
    const migrations = await migrationFolder({ '0000_orders': 'CREATE TABLE orders (id int);' });
    const pubs = { id: 'pubs', migrations, tenants: () => [{ name: 'a', schema: 'customer_a' }] };
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [pubs, shop()] });
    await boot.start();
    list = [{ name: 'b', schema: 'customer_a' }];
    const { problems } = await failureOf(boot.migrateTenants('shop'));
    expect(problems?.[0]?.message).toContain('a tenant whose schema pubs/a does not have');
    await boot.remove('pubs');
    expect(await boot.migrateTenants('shop')).toMatchObject({ upToDate: 1 });
  });

  test('another plugin, in a repair', async () => {
    list = [inAuth];
    const repair = createRepair({ pool: fresh.url, plugins: [shop(), auth] });
    const { problems } = await failureOf(repair.baseline('shop/evil'));
    expect(problems?.[0]?.message).toContain('a tenant whose schema the plugin auth does not have');
    expect(await listTables(fresh)).toEqual([]);
  });

  test('a plugin that has it under an earlier id, or of extensions', async () => {
    list = [{ name: 'evil', schema: 'plugin_login' }];
    const plugins = [shop(), { ...auth, previousIds: ['login'] }];
    const plan = await bootUnderTest({ pool: fresh.url, plugins }).boot.plan();
    expect(plan.problems[0]?.message).toContain(
      'a tenant whose schema the plugin auth does not have',
    );
    list = [{ name: 'evil', schema: 'extensions' }];
    const migrations = { extensionSchemas: ['extensions'] };
    const { boot } = bootUnderTest({ pool: fresh.url, plugins, migrations });
    const { problems } = await failureOf(boot.start());
    expect(problems?.[0]?.message).toContain('whose schema migrations.extensionSchemas does not');
  });

  test('a plugin that is disabled', async () => {
    const options = { pool: fresh.url, plugins: [shop(), auth], registry: true };
    await bootUnderTest(options).boot.migrate();
    await fresh.query(`UPDATE slipway.plugins SET enabled = false WHERE id = 'auth'`);
    const { boot } = bootUnderTest(options);
    list = [inAuth];
    expect((await boot.plan()).problems[0]?.message).toContain('the plugin auth does not have');
    list = [];
    await boot.start();
    list = [inAuth];
    const { problems } = await failureOf(boot.migrateTenants('shop'));
    expect(problems?.[0]?.message).toContain('the plugin auth does not have');
  });
});

describe('the schemas of tenants under an earlier id', () => {
  const name = (tenants: readonly Tenant[], previousIds: readonly string[]) =>
    nameTenantSchemas(tenants, {
      id: 'shop',
      previousIds,
      schemaPrefix: 'plugin_',
      taken: new Map(),
    });

  test('are not those of another tenant, whichever comes first', () => {
    const other = { name: 'b', schema: 'plugin_store_a' };
    expect(() => name(['a', other], ['store'])).toThrow('a tenant whose schema shop/a does not');
    expect(() => name([other, 'a'], ['store'])).toThrow('under an earlier id shop/b does not have');
  });

  test('are left out when they are too long, because PostgreSQL would cut them to those of others', () => {
    const long = 'a-very-long-id-of-a-plugin-that-sold-things-long-ago';
    const [short, cut] = name(['abc', 'abcd'], [long]);
    expect(short?.previousSchemas).toEqual([`plugin_${long}_abc`]);
    expect(cut?.previousSchemas).toEqual([]);
  });
});

test.each([
  ['a name', ['\ud800', '\ud801']],
  ['a schema', [{ name: 'a', schema: '\ud800' }]],
] as const)(
  '%s with half a character is refused, because all halves become one',
  async (_, given) => {
    list = [...given];
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop()] });
    const { problems } = await failureOf(boot.start());
    expect(problems).toMatchObject([{ code: 'TENANTS_INVALID', plugin: 'shop' }]);
    expect(await listTables(fresh)).toEqual([]);
  },
);
