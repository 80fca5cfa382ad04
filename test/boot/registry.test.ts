import { describe, expect, it } from 'vitest';
import { definePlugin, serviceRef, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const api = serviceRef<number>('catalog.api');
const catalog = definePlugin({
  id: 'catalog',
  version: '1.0.0',
  required: false,
  provides: { api },
  init: () => ({ api: 1 }),
});
const orders = (required: boolean): Plugin =>
  definePlugin({ id: 'orders', required, deps: { api } });

const given = (url: string, plugins: readonly Plugin[]): BootOptions => ({
  pool: url,
  plugins,
  registry: true,
});
const switchOff = "UPDATE slipway.plugins SET enabled = false WHERE id = 'catalog'";
const rowsOf = 'SELECT id, package, version, path, enabled FROM slipway.plugins ORDER BY id';

describe('the registry of plugins', () => {
  it('is made at the first boot, and keeps what people changed', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [catalog, orders(true)])).boot.start();
    const row = { package: null, path: null, enabled: true };
    expect((await query(rowsOf)).rows).toEqual([
      { ...row, id: 'catalog', version: '1.0.0' },
      { ...row, id: 'orders', version: null },
    ]);
    await query(switchOff);
    await bootUnderTest(given(url, [{ ...catalog, version: '1.1.0' }, orders(false)])).boot.start();
    expect((await query(rowsOf)).rows[0]).toEqual({
      ...row,
      id: 'catalog',
      version: '1.1.0',
      enabled: false,
    });
  });

  it('forgets no plugin that is gone', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [catalog])).boot.start();
    await bootUnderTest(given(url, [])).boot.start();
    expect((await query(rowsOf)).rows).toHaveLength(1);
  });

  it('skips a plugin that is switched off, and the optional ones that need it', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [catalog, orders(false)])).boot.start();
    await query(switchOff);
    const { boot, recording } = bootUnderTest(
      given(url, [catalog, orders(false), { id: 'other' }]),
    );
    const report = await boot.start();
    expect(report.outcome).toBe('ready');
    expect(report.plugins.map(({ id, init }) => [id, init.outcome, init.because])).toEqual([
      ['other', 'done', undefined],
      ['catalog', 'skipped', 'it is disabled in slipway.plugins'],
      ['orders', 'skipped', 'catalog is disabled'],
    ]);
    expect(
      recording.of('plugin.discovered').map(({ plugin, enabled }) => [plugin, enabled]),
    ).toEqual([
      ['catalog', false],
      ['orders', false],
      ['other', true],
    ]);
    expect((await boot.plan()).disabled).toHaveLength(2);
  });

  it('says who needs a plugin that is switched off', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [catalog, orders(true)])).boot.start();
    await query(switchOff);
    const { boot } = bootUnderTest(given(url, [catalog, orders(true)]));
    const error = await failureOf(boot.start());
    expect(error.problems).toMatchObject([
      {
        code: 'SERVICE_MISSING',
        plugin: 'orders',
        message: 'orders needs catalog.api from catalog, which is disabled',
      },
    ]);
  });

  it('costs one statement more at a boot with nothing to do', async () => {
    const { url } = await db.fresh();
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' });
    const plugins = [{ id: 'a', migrations }, catalog];
    await bootUnderTest(given(url, plugins)).boot.start();
    await using proxy = await startProxy(url);
    const { boot } = bootUnderTest(given(proxy.url, plugins));
    let before = -1;
    boot.once('plugin.init.started', () => {
      before = proxy.statements.length;
    });
    const report = await boot.start();
    await boot.stop();
    expect(before).toBe(3);
    expect(report.database?.statements).toBe(3);
  });

  it('is written by eight processes at once without one of them failing', async () => {
    const { url, query } = await db.fresh();
    const plugins = Array.from({ length: 5 }, (_, index) => ({ id: `p${index}` }));
    const boots = Array.from({ length: 8 }, () => bootUnderTest(given(url, plugins)));
    await Promise.all(boots.map(({ boot }) => boot.start()));
    expect(boots.flatMap(({ recording }) => recording.of('boot.warning'))).toEqual([]);
    expect((await query(rowsOf)).rows).toHaveLength(5);
  });

  it('that may not be made is a warning', async () => {
    const { url, query } = await db.fresh();
    const role = `poor_${Date.now()}`;
    await query(`CREATE ROLE ${role} LOGIN`);
    const poor = new URL(url);
    poor.username = role;
    const { boot, recording } = bootUnderTest(given(poor.href, [{ id: 'a' }]));
    expect((await boot.start()).outcome).toBe('ready');
    expect(recording.of('boot.warning')[0]?.message).toMatch(
      /^The registry of plugins was not written: permission denied/,
    );
    await boot.stop();
    await query(`DROP ROLE ${role}`);
  });

  it('that may not be read is an error: what it switches off could not be known', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [{ id: 'a' }])).boot.start();
    const role = `blind_${Date.now()}`;
    await query(`CREATE ROLE ${role} LOGIN`);
    const blind = new URL(url);
    blind.username = role;
    const error = await failureOf(bootUnderTest(given(blind.href, [{ id: 'a' }])).boot.start());
    expect(error).toMatchObject({ code: 'DATABASE_PRIVILEGE', phase: 'discover' });
    await query(`DROP ROLE ${role}`);
  });

  it('names an enabled plugin that was not found, and goes on', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [catalog, { id: 'books' }, { id: 'old' }])).boot.start();
    await query("UPDATE slipway.plugins SET package = '@shop/books' WHERE id = 'books'");
    await query(switchOff);
    const { boot } = bootUnderTest(given(url, [{ id: 'new', previousIds: ['old'] }]));
    const { outcome, warnings } = await boot.start();
    expect(outcome).toBe('ready');
    const message = 'Enabled in slipway.plugins, but not found: books (@shop/books)';
    expect(warnings).toMatchObject([{ message, code: 'PLUGIN_NOT_LOADED' }]);
    expect((await boot.plan()).warnings).toMatchObject([{ message }]);
  });

  it('ends the boot before anything is migrated when a plugin that is missing is an error', async () => {
    const { url, query } = await db.fresh();
    await bootUnderTest(given(url, [catalog, { id: 'books' }])).boot.start();
    const migrations = [{ name: 'one', run: () => Promise.resolve() }];
    const { boot } = bootUnderTest({
      ...given(url, [{ id: 'a', migrations }]),
      registry: { missing: 'error' },
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'PLUGIN_NOT_LOADED',
      phase: 'discover',
      message: 'Enabled in slipway.plugins, but not found: books, catalog',
    });
    const { rows } = await query("SELECT to_regnamespace('plugin_a') AS found");
    expect(rows).toEqual([{ found: null }]);
  });

  it.each([
    [
      'other columns',
      'CREATE TABLE slipway.plugins (name text, price numeric(8,2))',
      'name text, price numeric(8,2)',
    ],
    [
      'a column of another type',
      `CREATE TABLE slipway.plugins (id text, package text, version text, path text, enabled text);
       INSERT INTO slipway.plugins VALUES ('a', null, null, null, 'perhaps')`,
      'id text, package text, version text, path text, enabled text',
    ],
  ])('that is a table of somebody else, with %s, is said to be one', async (_, sql, columns) => {
    const { url, query } = await db.fresh();
    await query(`CREATE SCHEMA slipway; ${sql}`);
    const error = await failureOf(bootUnderTest(given(url, [{ id: 'a' }])).boot.start());
    expect(error).toMatchObject({
      code: 'SCHEMA_TAKEN',
      message: `slipway.plugins is not the registry of plugins, but a table with the columns ${columns}`,
      hint: expect.stringContaining('registry: false') as unknown,
    });
  });
});
