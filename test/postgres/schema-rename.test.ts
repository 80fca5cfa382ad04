import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { errorOf, migrateOptions, takeSurvey, toPlugin } from './migration-fixture.ts';
import { called, later, look, migrate, schemasOf, withInventory } from './rename-fixture.ts';

const db = useDatabase();
const { signal } = new AbortController();

const marker = (plugin: string, ...from: readonly string[]): string =>
  `slipway: renamed ${JSON.stringify({ plugin, from: from.map((id) => `plugin_${id}`) })}`;

describe('the schema of a previous id', () => {
  test('becomes that of the plugin, with its data and its history', async () => {
    const fresh = await withInventory(db);
    const stock = await called('stock', ['storage', 'inventory'], later);
    const survey = await look(fresh, stock);
    expect(survey.problems).toEqual([]);
    expect(survey.plugins[0]).toMatchObject({
      schema: 'plugin_stock',
      renameFrom: 'plugin_inventory',
      historyExists: true,
      warnings: [],
    });
    expect(survey.plugins[0]?.applied).toHaveLength(1);
    expect(survey.plugins[0]?.pending.map(({ name }) => name)).toEqual(['0001_more.sql']);
    expect(await migrate(fresh, stock)).toEqual(['plugin_inventory → plugin_stock']);
    expect((await fresh.query('select * from plugin_stock.items')).rows).toEqual([
      { name: 'kept', price: null },
    ]);
    expect(await schemasOf(fresh)).toEqual([['plugin_stock', marker('stock', 'inventory')]]);
    expect((await look(fresh, stock)).plugins[0]).toMatchObject({ pending: [], problems: [] });
    expect((await look(fresh, stock)).plugins[0]?.renameFrom).toBeUndefined();
  });

  test('is found in the two statements of the survey', async () => {
    const fresh = await withInventory(db);
    await using proxy = await startProxy(fresh.url);
    const pool = fresh.pool({ connectionString: proxy.url });
    const stock = await called('stock', ['inventory']);
    await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
      takeSurvey(client, [stock]),
    );
    expect(proxy.statements).toHaveLength(2);
    await pool.end();
  });

  test('is renamed although nothing else is to be done, and although it is empty', async () => {
    const fresh = await db.fresh();
    await fresh.query('create schema plugin_inventory');
    expect(await migrate(fresh, await called('stock', ['inventory'], {}))).toHaveLength(1);
    expect((await schemasOf(fresh)).map(([name]) => name)).toEqual(['plugin_stock']);
  });

  test('takes the place of an empty one', async () => {
    const fresh = await withInventory(db);
    await fresh.query('create schema plugin_stock');
    const stock = await called('stock', ['inventory']);
    expect((await look(fresh, stock)).problems).toEqual([]);
    expect(await migrate(fresh, stock)).toHaveLength(1);
    expect((await fresh.query('select from plugin_stock.items')).rowCount).toBe(1);
  });

  test('keeps the comment that somebody wrote on it', async () => {
    const fresh = await withInventory(db);
    await fresh.query(`comment on schema plugin_inventory is 'of the shop''s team\nsee wiki'`);
    await migrate(fresh, await called('b', ['inventory']));
    await migrate(fresh, await called('c', ['b', 'inventory']));
    expect(await schemasOf(fresh)).toEqual([
      ['plugin_c', `of the shop's team\nsee wiki\n${marker('c', 'inventory', 'b')}`],
    ]);
  });

  test('may have any name', async () => {
    const fresh = await db.fresh();
    const odd = `Our "old" $1 'plugin'; é`;
    await fresh.query(`create schema "plugin_${odd.replaceAll('"', '""')}"; comment on schema
      "plugin_${odd.replaceAll('"', '""')}" is '$$'`);
    expect(await migrate(fresh, await called('stock', [odd]))).toEqual([
      `plugin_${odd} → plugin_stock`,
    ]);
    const { problems } = await look(
      fresh,
      toPlugin('x', (await called('x')).files, `plugin_${odd}`),
    );
    expect(problems).toMatchObject([{ code: 'MIGRATION_RENAMED' }]);
  });
});

describe('over several releases', () => {
  test('the newest finds the schema of whichever came before', async () => {
    for (const at of ['a', 'b']) {
      const fresh = await db.fresh();
      await migrate(fresh, await called(at));
      expect(await migrate(fresh, await called('c', ['b', 'a']))).toEqual([
        `plugin_${at} → plugin_c`,
      ]);
    }
  });

  test('a replica of any earlier release stops, and names the one it has to be', async () => {
    const fresh = await db.fresh();
    await migrate(fresh, await called('a'));
    await migrate(fresh, await called('b', ['a']));
    await migrate(fresh, await called('c', ['b', 'a']));
    const { problems } = await look(fresh, await called('a'), await called('b', ['a'], later));
    expect(problems).toEqual(
      ['a', 'b'].map((id) => ({
        code: 'MIGRATION_RENAMED',
        plugin: id,
        message: `${id}: its schema "plugin_${id}" is "plugin_c" now, of the plugin c`,
        hint: expect.stringMatching(
          `^Deploy the release in which the plugin is called c\\. .* ALTER SCHEMA "plugin_c" RENAME TO "plugin_${id}"; .* from the comment`,
        ),
      })),
    );
  });

  test('going back to an earlier name makes that one right again, and the other one wrong', async () => {
    const fresh = await db.fresh();
    await migrate(fresh, await called('a'));
    await migrate(fresh, await called('c', ['a']));
    expect(await migrate(fresh, await called('a', ['c']))).toEqual(['plugin_c → plugin_a']);
    expect(await schemasOf(fresh)).toEqual([['plugin_a', marker('a', 'c')]]);
    expect((await look(fresh, await called('a'))).problems).toEqual([]);
    expect((await look(fresh, await called('c', ['a']))).plugins[0]?.renameFrom).toBe('plugin_a');
    expect((await look(fresh, await called('c'))).problems).toMatchObject([
      { code: 'MIGRATION_RENAMED' },
    ]);
  });

  test('a schema that was renamed back by hand is its own again', async () => {
    const fresh = await withInventory(db);
    await migrate(fresh, await called('stock', ['inventory']));
    await fresh.query('alter schema plugin_stock rename to plugin_inventory');
    expect((await look(fresh, await called('inventory'))).problems).toEqual([]);
    await fresh.query('drop table plugin_inventory.__drizzle_migrations, plugin_inventory.items');
    expect((await look(fresh, await called('inventory'))).problems).toEqual([]);
  });

  test('a marker that somebody has spoilt says nothing', async () => {
    const fresh = await db.fresh();
    await fresh.query(
      `create schema plugin_x; comment on schema plugin_x is 'slipway: renamed {oh'`,
    );
    expect((await look(fresh, await called('inventory'))).problems).toEqual([]);
  });
});

describe('a replica of the older release', () => {
  test('that waited for the lock meanwhile makes no empty schema in its place', async () => {
    const fresh = await withInventory(db);
    const old = await called('inventory', [], later);
    expect((await look(fresh, old)).problems).toEqual([]);
    await migrate(fresh, await called('stock', ['inventory']));
    const error = await errorOf(migratePlugin(fresh.pool(), old, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_RENAMED', plugin: 'inventory' });
    expect((await schemasOf(fresh)).map(([name]) => name)).toEqual(['plugin_stock']);
  });

  test('is told so in a schema that was made for it, as long as nothing is in it', async () => {
    const fresh = await withInventory(db);
    await migrate(fresh, await called('stock', ['inventory']));
    await fresh.query('create schema plugin_inventory');
    expect((await look(fresh, await called('inventory'))).problems).toMatchObject([
      { code: 'MIGRATION_RENAMED' },
    ]);
  });
});

describe('two schemas that may have the data', () => {
  test.each([
    ['a history', 'create table plugin_stock.__drizzle_migrations (id int)'],
    ['a table', 'create table plugin_stock.t ()'],
    ['a function', 'create function plugin_stock.f() returns int return 1'],
    ['an extension', 'create extension citext schema plugin_stock'],
  ])('are a conflict before anything is changed: %s is in the new one', async (_, sql) => {
    const fresh = await withInventory(db);
    await fresh.query(`create schema plugin_stock; ${sql}`);
    const stock = await called('stock', ['inventory'], later);
    const conflict = {
      code: 'MIGRATION_RENAME_CONFLICT',
      plugin: 'stock',
      message:
        'stock: its data may be in "plugin_stock" and "plugin_inventory", and only one of them can be its schema',
    };
    expect((await look(fresh, stock)).problems).toMatchObject([conflict]);
    const error = await errorOf(migratePlugin(fresh.pool(), stock, migrateOptions()));
    expect(error).toMatchObject(conflict);
    expect(await schemasOf(fresh)).toEqual([
      ['plugin_inventory', ''],
      ['plugin_stock', ''],
    ]);
  });

  test('are a conflict when both are of previous ids; an empty one can go', async () => {
    const fresh = await withInventory(db);
    await fresh.query('create schema plugin_storage');
    const { problems } = await look(fresh, await called('stock', ['storage', 'inventory']));
    expect(problems).toEqual([
      {
        code: 'MIGRATION_RENAME_CONFLICT',
        plugin: 'stock',
        message:
          'stock: its data may be in "plugin_storage" and "plugin_inventory", and only one of them can be its schema',
        hint: 'One of them is empty: DROP SCHEMA "plugin_storage";',
      },
    ]);
  });
});
