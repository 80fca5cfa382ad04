import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { createRepair, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const own = { '0000_items': 'CREATE TABLE items (id int);' };

/** A plugin with a table of its own, and these further schemas. */
async function plugin(
  id: string,
  schemas: readonly string[],
  more: Partial<Plugin> = {},
): Promise<Plugin> {
  return { id, migrations: await migrationFolder(own), schemas, ...more };
}

async function commentOn({ query }: Database, schema: string): Promise<string | null> {
  const { rows } = await query<{ comment: string | null }>(
    `SELECT obj_description(to_regnamespace($1), 'pg_namespace') AS comment`,
    [schema],
  );
  return rows[0]?.comment ?? null;
}

/** The only problem of a boot that fails. */
async function problemOf(
  { url }: Database,
  plugins: readonly Plugin[],
  more: object = {},
): Promise<{ readonly message: string; readonly hint: string }> {
  const error = await failureOf(bootUnderTest({ pool: url, plugins, ...more }).boot.start());
  expect(error.problems).toMatchObject([{ code: 'SCHEMA_TAKEN' }]);
  const [problem] = error.problems ?? [];
  return { message: problem?.message ?? '', hint: problem?.hint ?? '' };
}

describe('two owners of one schema in one boot', () => {
  it('are named before anything is sent', async () => {
    const nowhere = { url: 'postgres://nobody@127.0.0.1:1/none' } as Database;
    const catalog = await plugin('catalog', ['reporting']);
    const message = async (other: Plugin, more: object = {}) =>
      (await problemOf(nowhere, [catalog, other], more)).message;
    expect(await message(await plugin('audit', ['reporting']))).toBe(
      'audit lists reporting in schemas, which is one of catalog too',
    );
    expect(await message(await plugin('audit', ['plugin_catalog']))).toBe(
      'audit lists plugin_catalog in schemas, which is that of the plugin catalog',
    );
    expect(await message(await plugin('audit', ['plugin_audit']))).toBe(
      'audit lists plugin_audit in schemas, which is its own already',
    );
    expect(await message(await plugin('audit', ['plugin_log'], { previousIds: ['log'] }))).toBe(
      'audit lists plugin_log in schemas, which is one of its previousIds',
    );
    expect(await message(await plugin('audit', ['slipway']))).toBe(
      'audit lists slipway in schemas, which is that of the registry of plugins',
    );
    expect(
      await message(await plugin('audit', ['extensions']), {
        migrations: { extensionSchemas: ['extensions'] },
      }),
    ).toBe('audit lists extensions in schemas, which is one of migrations.extensionSchemas');
    const former = await plugin('audit', [], { previousIds: ['log'] });
    expect(
      (await problemOf(nowhere, [await plugin('catalog', ['plugin_log']), former])).message,
    ).toBe(
      'catalog lists plugin_log in schemas, which is claimed by the plugin audit in previousIds',
    );
    const host = { migrations: await migrationFolder(own), schemas: ['reporting'] };
    expect(await message(await plugin('audit', []), { host })).toBe(
      'catalog lists reporting in schemas, which is one of host too',
    );
    expect(
      await message(await plugin('audit', ['drizzle']), { host: { ...host, schemas: [] } }),
    ).toBe('audit lists drizzle in schemas, which is that of the host');
  });

  it('are found when the second one is added later, or when the first one is disabled', async () => {
    const database = await db.fresh();
    const catalog = await plugin('catalog', ['reporting']);
    const audit = await plugin('audit', ['reporting']);
    const options = { pool: database.url, registry: true, plugins: [catalog] };
    const { boot } = bootUnderTest(options);
    await boot.start();
    const error = await failureOf(boot.add([audit]));
    expect(error.problems).toMatchObject([{ code: 'SCHEMA_TAKEN', plugin: 'audit' }]);
    await boot.stop();
    await database.query(`UPDATE slipway.plugins SET enabled = false WHERE id = 'catalog'`);
    const { message } = await problemOf(database, [catalog, audit], { registry: true });
    expect(message).toBe(
      'audit lists reporting in schemas, which is that of the plugin catalog, which is disabled',
    );
  });
});

describe('a schema that exists already', () => {
  it('is left to the plugin that has it, which another release does not know', async () => {
    const database = await db.fresh();
    const { url, query } = database;
    await bootUnderTest({
      pool: url,
      plugins: [await plugin('catalog', ['reporting'])],
    }).boot.start();
    const audit = [await plugin('audit', ['reporting'])];
    const { message, hint } = await problemOf(database, audit);
    expect(message).toBe(
      'audit lists reporting in schemas, and the schema "reporting" in the database belongs to the owner of "plugin_catalog"',
    );
    expect(hint).toContain('remove the line "slipway: schema of plugin_catalog"');
    expect((await query(`SELECT to_regnamespace('plugin_audit') AS is`)).rows).toEqual([
      { is: null },
    ]);
    // A plugin that is gone for good leaves it.
    await query('DROP SCHEMA plugin_catalog CASCADE');
    await bootUnderTest({ pool: url, plugins: audit }).boot.start();
    expect(await commentOn(database, 'reporting')).toBe('slipway: schema of plugin_audit');
  });

  it('is taken when it is empty, and keeps its comment', async () => {
    const database = await db.fresh();
    const { url, query } = database;
    await query(`CREATE SCHEMA reporting; COMMENT ON SCHEMA reporting IS 'for the controllers'`);
    await bootUnderTest({
      pool: url,
      plugins: [await plugin('catalog', ['reporting'])],
    }).boot.start();
    expect(await commentOn(database, 'reporting')).toBe(
      'for the controllers\nslipway: schema of plugin_catalog',
    );
  });

  it('or that another session makes at that moment, is taken when that session has ended', async () => {
    const database = await db.fresh();
    const catalog = await plugin('catalog', []);
    await bootUnderTest({ pool: database.url, plugins: [catalog] }).boot.migrate();
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query('BEGIN; CREATE SCHEMA reporting');
    const plugins = [{ ...catalog, schemas: ['reporting'] }];
    const starting = bootUnderTest({ pool: database.url, plugins }).boot.start();
    await untilFound(
      database,
      `SELECT FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND a.datname = current_database()`,
    );
    await other.query('COMMIT');
    await other.end();
    expect((await starting).outcome).toBe('ready');
    expect(await commentOn(database, 'reporting')).toBe('slipway: schema of plugin_catalog');
  });

  it('with something in it is refused to a new plugin, until its comment gives it away', async () => {
    const database = await db.fresh();
    const { url, query } = database;
    await query('CREATE SCHEMA reporting; CREATE TABLE reporting.of_others ()');
    const plugins = [await plugin('catalog', ['reporting'])];
    const { message, hint } = await problemOf(database, plugins);
    expect(message).toContain('has something in it that this plugin has not made');
    const [command = ''] = /COMMENT ON SCHEMA [^;]*;/.exec(hint) ?? [];
    await query(command);
    expect((await bootUnderTest({ pool: url, plugins }).boot.start()).outcome).toBe('ready');
  });

  it('with something in it is taken by a plugin with a history, but not from an extension or a plugin', async () => {
    const database = await db.fresh();
    const { url, query } = database;
    const catalog = await plugin('catalog', []);
    await bootUnderTest({ pool: url, plugins: [catalog] }).boot.start();
    const listing = (...schemas: string[]) => [{ ...catalog, schemas }];
    // As a file with "allow-outside" of an earlier release has left it.
    await query('CREATE SCHEMA reporting; CREATE TABLE reporting.totals ()');
    const report = await bootUnderTest({
      pool: url,
      plugins: listing('reporting', 'more'),
    }).boot.start();
    expect(report.outcome).toBe('ready');
    expect(await commentOn(database, 'reporting')).toBe('slipway: schema of plugin_catalog');

    await query('CREATE SCHEMA cron; CREATE EXTENSION citext SCHEMA cron');
    expect((await problemOf(database, listing('cron'))).message).toContain(
      'has an extension in it',
    );
    await query('CREATE SCHEMA books; CREATE TABLE books.__drizzle_migrations ()');
    expect((await problemOf(database, listing('books'))).message).toContain(
      'has a migration history of its own',
    );
  });

  it('stays with a plugin that gets another id', async () => {
    const database = await db.fresh();
    const { url, query } = database;
    const inventory = await plugin('inventory', ['reporting']);
    await bootUnderTest({ pool: url, plugins: [inventory] }).boot.start();
    await query(`COMMENT ON SCHEMA reporting IS E'kept\\nslipway: schema of plugin_inventory'`);
    const stock = { ...inventory, id: 'stock', previousIds: ['inventory'] };
    await bootUnderTest({ pool: url, plugins: [stock] }).boot.start();
    expect(await commentOn(database, 'reporting')).toBe('kept\nslipway: schema of plugin_stock');
    const { previousIds: _, ...later } = stock;
    expect((await bootUnderTest({ pool: url, plugins: [later] }).boot.start()).outcome).toBe(
      'ready',
    );
  });

  it('is made by a baseline too', async () => {
    const database = await db.fresh();
    const plugins = [await plugin('catalog', ['reporting'])];
    await createRepair({ pool: database.url, plugins }).baseline('catalog');
    expect(await commentOn(database, 'reporting')).toBe('slipway: schema of plugin_catalog');
  });
});

describe('a role with few rights', () => {
  it('is refused before anything is changed, with the GRANT, and uses what an administrator has made', async () => {
    const database = await db.fresh();
    const { url, query, name: role } = database;
    await query(`CREATE ROLE ${role} LOGIN; CREATE SCHEMA plugin_catalog AUTHORIZATION ${role}`);
    try {
      const login = new URL(url);
      login.username = role;
      const options = { pool: login.href, plugins: [await plugin('catalog', ['reporting'])] };
      const refused = async () => (await failureOf(bootUnderTest(options).boot.start())).problems;
      expect(await refused()).toMatchObject([
        { code: 'DATABASE_PRIVILEGE', hint: `GRANT CREATE ON DATABASE "${role}" TO "${role}";` },
      ]);
      await query('CREATE SCHEMA reporting');
      expect(await refused()).toMatchObject([
        { hint: `GRANT USAGE ON SCHEMA "reporting" TO "${role}";` },
        { hint: `GRANT CREATE ON SCHEMA "reporting" TO "${role}";` },
      ]);
      await query(`GRANT USAGE, CREATE ON SCHEMA reporting TO ${role}`);
      expect((await bootUnderTest(options).boot.start()).outcome).toBe('ready');
      expect(await commentOn(database, 'reporting')).toBe(null);
    } finally {
      await query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });
});
