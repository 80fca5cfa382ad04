import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { check, migrateCatalog } from '../support/examinations.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';
import { writeSnapshots } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('the migrations', () => {
  it('with an edited file are a warning, with a table that is no history a problem', async () => {
    const database = await db.fresh();
    const { options, folder } = await migrateCatalog(database);
    await writeMigrations(folder, { '0000_items': 'CREATE TABLE items (id bigint);' });
    expect(await check('histories', options)).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('0000_items.sql'),
    });
    await database.query(
      'DROP TABLE plugin_catalog.__drizzle_migrations; CREATE TABLE plugin_catalog.__drizzle_migrations (x int)',
    );
    expect(await check('histories', options)).toMatchObject({
      status: 'problem',
      found: expect.stringContaining("is not Drizzle's: its columns are x"),
    });
  });

  it('with a file that is refused are a problem', async () => {
    const { url } = await db.fresh();
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE a (); COMMIT;' });
    const found = await check('migrations', { pool: url, plugins: [{ id: 'a', migrations }] });
    expect(found).toMatchObject({ status: 'problem' });
    expect(found.found).toContain('COMMIT');
    const nowhere = [{ id: 'a', migrations: '/nowhere/at/all' }];
    expect(await check('migrations', { pool: url, plugins: nowhere })).toMatchObject({
      status: 'problem',
    });
  });

  it('with a file that only gives something to look at are a warning', async () => {
    const { url } = await db.fresh();
    const migrations = await migrationFolder({ '0000_a': '-- nothing yet' });
    const found = await check('migrations', { pool: url, plugins: [{ id: 'a', migrations }] });
    expect(found).toMatchObject({ status: 'warning' });
  });

  it('on a database that takes no writes are a problem, unless another process applies them', async () => {
    const { url, query, name } = await db.fresh();
    await query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const found = await check('read-only', { pool: url });
    expect(found).toMatchObject({ status: 'problem', found: 'The database is set read-only' });
    const wait = { pool: url, migrations: { mode: 'wait' } } as const;
    expect(await check('read-only', wait)).toMatchObject({ status: 'warning' });
  });

  it('that make an extension are shown with its schema; in public it is a warning', async () => {
    const { url, query } = await db.fresh();
    const migrations = await migrationFolder({
      '0000_ext': 'CREATE EXTENSION IF NOT EXISTS citext;',
    });
    const options = { pool: url, plugins: [{ id: 'a', migrations }] };
    expect(await check('extensions', options)).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('there is no schema for it'),
    });
    await query('CREATE EXTENSION citext SCHEMA public');
    expect(await check('extensions', options)).toMatchObject({
      status: 'warning',
      remedy: expect.stringContaining('ALTER EXTENSION "citext" SET SCHEMA extensions;'),
    });
    const listed = { ...options, migrations: { extensionSchemas: ['public'] } };
    expect(await check('extensions', listed)).toMatchObject({ status: 'ok' });
    await query('CREATE SCHEMA extensions; ALTER EXTENSION citext SET SCHEMA extensions');
    expect(await check('extensions', options)).toMatchObject({
      status: 'ok',
      found: 'citext in extensions',
    });
  });
});

describe('what is left behind', () => {
  it('in public of a plugin is a problem, or a warning, with the command that moves it', async () => {
    const database = await db.fresh();
    const { options, folder } = await migrateCatalog(database);
    await writeSnapshots(folder, { '0000_items': { tables: ['items'] } });
    await database.query('ALTER TABLE plugin_catalog.items SET SCHEMA public');
    expect(await check('stranded-objects', options)).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('items'),
      remedy: expect.stringContaining('slipway repair relocate catalog'),
    });
    const warn = { ...options, migrations: { strandedObjects: 'warn' } } as const;
    expect(await check('stranded-objects', warn)).toMatchObject({ status: 'warning' });
  });

  it('of a plugin that is gone is an orphaned schema; of a renamed or disabled one it is not', async () => {
    const { url, query } = await db.fresh();
    await query('CREATE SCHEMA plugin_gone; CREATE TABLE plugin_gone.t ()');
    await query('CREATE SCHEMA plugin_old; CREATE SCHEMA "Plugin_x"; CREATE SCHEMA pluginx');
    const plugins = [{ id: 'renamed', previousIds: ['old'] }];
    const options = { pool: url, plugins, registry: true };
    expect(await check('orphaned-schemas', options)).toMatchObject({
      status: 'warning',
      found: 'No plugin has the id of "plugin_gone" (1 table, no history)',
    });
    const withGone = { ...options, plugins: [...plugins, { id: 'gone' }] };
    await bootUnderTest(withGone).boot.migrate();
    await query(`UPDATE slipway.plugins SET enabled = false WHERE id = 'gone'`);
    expect(await check('orphaned-schemas', withGone)).toMatchObject({ status: 'ok' });
  });

  it('of a failed concurrent build is a warning, and of a unique index a problem', async () => {
    const database = await db.fresh();
    const { options } = await migrateCatalog(database);
    await database.query(`INSERT INTO plugin_catalog.items VALUES (1, 'a'), (2, 'a')`);
    const building = database.query(
      'CREATE UNIQUE INDEX CONCURRENTLY items_name ON plugin_catalog.items (name)',
    );
    await expect(building).rejects.toThrow('could not create unique index');
    expect(await check('invalid-indexes', options)).toMatchObject({
      status: 'problem',
      evidence: { indexes: ['"plugin_catalog"."items_name" on items'], inWork: [] },
      remedy: expect.stringMatching(/^REINDEX INDEX CONCURRENTLY "plugin_catalog"\."items_name";/),
    });
    await database.query('DROP INDEX plugin_catalog.items_name');
    const broken = database.query(
      'CREATE INDEX CONCURRENTLY items_length ON plugin_catalog.items ((1 / (length(name) - 1)))',
    );
    await expect(broken).rejects.toThrow('division by zero');
    expect(await check('invalid-indexes', options)).toMatchObject({ status: 'warning' });
    await database.query('DROP INDEX plugin_catalog.items_length');
    expect(await check('invalid-indexes', options)).toMatchObject({ status: 'ok' });
  });

  it('of a concurrent build that goes on is none', async () => {
    const database = await db.fresh();
    const { options } = await migrateCatalog(database);
    const writer = new Client({ connectionString: database.url });
    await writer.connect();
    await writer.query(`BEGIN; INSERT INTO plugin_catalog.items VALUES (1, 'a')`);
    const building = database.query(
      'CREATE UNIQUE INDEX CONCURRENTLY items_name ON plugin_catalog.items (name)',
    );
    await untilFound(database, 'SELECT FROM pg_index WHERE NOT indisvalid');
    const found = await check('invalid-indexes', options);
    await writer.end();
    await building;
    expect(found).toMatchObject({
      status: 'ok',
      found: '1 index may be in work',
      evidence: { inWork: ['"plugin_catalog"."items_name" on items'] },
    });
  });
});
