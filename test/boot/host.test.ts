import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { describe, expect, it } from 'vitest';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const tables = `SELECT schemaname || '.' || tablename AS name FROM pg_tables
  WHERE schemaname IN ('public', 'drizzle', 'app', 'plugin_a') ORDER BY 1`;

describe("the host's own migrations", () => {
  it('run before those of any plugin, in public, with the history where Drizzle has it', async () => {
    const { url, query } = await db.fresh();
    const { boot, recording } = bootUnderTest({
      pool: url,
      host: { migrations: await migrationFolder({ '0000_users': 'CREATE TABLE users (id int);' }) },
      plugins: [
        { id: 'a', migrations: await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' }) },
      ],
    });
    const report = await boot.start();
    expect(
      recording.lines('plugin.migrate.').filter((line) => !/ing |executed/.test(line)),
    ).toEqual([
      'plugin.migrate.planned host',
      'plugin.migrate.planned a',
      'plugin.migrate.started host',
      'plugin.migrate.applied host',
      'plugin.migrate.finished host',
      'plugin.migrate.started a',
      'plugin.migrate.applied a',
      'plugin.migrate.finished a',
    ]);
    expect(report.plugins.map(({ id, schema }) => [id, schema])).toEqual([
      ['host', 'public'],
      ['a', 'plugin_a'],
    ]);
    expect((await query<{ name: string }>(tables)).rows.map(({ name }) => name)).toEqual([
      'drizzle.__drizzle_migrations',
      'plugin_a.__drizzle_migrations',
      'plugin_a.a',
      'public.users',
    ]);
  });

  it('of a host that Drizzle migrated so far are up to date', async () => {
    const { url, query } = await db.fresh();
    const folder = await migrationFolder({ '0000_users': 'CREATE TABLE users (id int);' });
    const pool = db.pool({ connectionString: url });
    await migrate(drizzle({ client: pool }), { migrationsFolder: folder });
    const { boot, recording } = bootUnderTest({ pool: url, host: { migrations: folder } });
    await boot.start();
    await pool.end();
    expect(recording.outcomes('migrate')).toEqual({ host: 'upToDate' });
    expect((await query('SELECT 1 FROM drizzle.__drizzle_migrations')).rowCount).toBe(1);
  });

  it('may stand in another schema, with their history', async () => {
    const { url, query } = await db.fresh();
    const migrations = await migrationFolder({ '0000_users': 'CREATE TABLE users (id int);' });
    const { boot } = bootUnderTest({
      pool: url,
      host: { migrations, schema: 'app', historySchema: 'app' },
    });
    await boot.start();
    expect((await query<{ name: string }>(tables)).rows.map(({ name }) => name)).toEqual([
      'app.__drizzle_migrations',
      'app.users',
    ]);
  });

  it('that fail keep every plugin from being touched', async () => {
    const { url } = await db.fresh();
    const { boot, recording } = bootUnderTest({
      pool: url,
      host: { migrations: await migrationFolder({ '0000_bad': 'CREATE TABEL users (id int);' }) },
      plugins: [{ id: 'a', migrations: await migrationFolder({ '0000_a': 'SELECT 1;' }) }],
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'MIGRATION_FAILED',
      plugin: 'host',
    });
    expect(recording.outcomes('migrate')).toEqual({ host: 'failed', a: 'dependency' });
  });

  it('share no schema with a plugin: neither its objects nor its history', async () => {
    const migrations = await migrationFolder({ '0000_a': 'SELECT 1;' });
    const { boot } = bootUnderTest({
      pool: db.pool(),
      host: { migrations, schema: 'app', historySchema: 'plugin_a' },
      plugins: [{ id: 'a', migrations }],
    });
    const error = await failureOf(boot.start());
    expect(error.problems).toMatchObject([
      {
        code: 'SCHEMA_TAKEN',
        plugin: 'a',
        message: 'The schema of a would be plugin_a, which the host has already',
      },
    ]);
  });

  it('take the id host: a plugin of that name is one too many', async () => {
    const migrations = await migrationFolder({});
    const { boot } = bootUnderTest({
      pool: db.pool(),
      host: { migrations },
      plugins: [{ id: 'host' }],
    });
    const error = await failureOf(boot.start());
    expect(error.problems?.[0]).toMatchObject({
      code: 'PLUGIN_DUPLICATE',
      message: '2 plugins have the id host: the option host and the option plugins',
    });
  });
});
