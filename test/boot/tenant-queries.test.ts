import { beforeEach, describe, expect, test } from 'vitest';
import { createRepair, type Plugin, type TenantsContext } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

let fresh: Database;
let folder: string;

/** Makes a shop with these tenants. */
function shop(tenants: NonNullable<Plugin['tenants']>): Plugin {
  return { id: 'shop', migrations: folder, tenants };
}

beforeEach(async () => {
  fresh = await db.fresh();
  folder = await migrationFolder({ '0000_orders': 'CREATE TABLE orders (id int);' });
});

describe('a function that asks for its tenants', () => {
  test('may lose the connection of the survey, and is asked again, whatever it makes of the loss', async () => {
    let asked = 0;
    const plugin = shop(async ({ query }) => {
      asked += 1;
      if (asked > 1) return ['acme'];
      const lost = query('SELECT pg_terminate_backend(pg_backend_pid())');
      throw await lost.then(
        () => new Error('not lost'),
        () => new Error('the names cannot be read'),
      );
    });
    const options = { pool: fresh.url, plugins: [plugin] };
    const { boot } = bootUnderTest(options);
    expect((await boot.start()).plugins[0]?.migrate.tenants).toMatchObject({ total: 1 });
    expect(asked).toBe(2);
    asked = 0;
    // Nothing else is asked on this connection.
    const report = await createRepair(options).holder('shop/acme');
    expect(report).toEqual({ plugin: 'shop/acme', schema: 'plugin_shop_acme' });
    expect(asked).toBe(2);
  });

  test('may lose a connection of its own, which is an error of the function', async () => {
    let asked = 0;
    const plugin = shop(() => {
      asked += 1;
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    });
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [plugin] });
    const { code, problems } = await failureOf(boot.start());
    expect(code).toBe('PLAN_INVALID');
    expect(problems).toMatchObject([{ code: 'TENANTS_INVALID', plugin: 'shop' }]);
    expect(asked).toBe(1);
  });

  test('may ask side by side: the queries run one after the other, before the survey', async () => {
    await using proxy = await startProxy(fresh.url);
    let forgotten: Promise<unknown> | undefined;
    const plugin = shop(async ({ query }) => {
      await Promise.all([
        query('SELECT 1 AS first'),
        query('SELECT $1::int AS second', [2]),
        query('SELECT 2 AS second'),
      ]);
      forgotten = query('SELECT 3 AS third');
      return [];
    });
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', listen);
    const { boot } = bootUnderTest({ pool: proxy.url, plugins: [plugin] });
    await boot.start();
    process.off('warning', listen);
    // pg warns of queries side by side, once in a process.
    expect(warnings.filter((each) => each.includes('client.query()'))).toEqual([]);
    const order = ['first', 'second', 'third', 'current_database'].map((word) =>
      proxy.statements.findIndex((text) => text.includes(word)),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(await forgotten).toMatchObject({ rows: [{ third: 3 }] });
  });

  test.each([
    'COMMIT; CREATE TABLE public.written (id int)',
    'SELECT 1; SELECT 2',
    'CREATE TABLE public.written (id int)',
    'BEGIN',
  ])('cannot get out of its transaction by %s', async (text) => {
    const plugin = shop(async ({ query }) => {
      await query(text);
      return ['acme'];
    });
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [plugin] });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'PLAN_INVALID',
      problems: [{ code: 'TENANTS_INVALID', plugin: 'shop' }],
    });
    const { rows } = await fresh.query(`SELECT to_regclass('public.written') AS made`);
    expect(rows).toEqual([{ made: null }]);
  });

  test('cannot ask any more once it has returned', async () => {
    let keep: TenantsContext['query'] | undefined;
    const plugin = shop(({ query }) => {
      keep = query;
      return [];
    });
    await bootUnderTest({ pool: fresh.url, plugins: [plugin] }).boot.start();
    await expect(keep?.('SELECT 1')).rejects.toThrow('query() was used after tenants() had ended');
  });
});
