import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { definePlugin, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, timestampFolder, writeMigrations } from '../support/migration-folder.ts';
import { writeSnapshots } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** As drizzle-kit writes it for `pgSchema('reporting')`. */
const byDrizzle = `CREATE SCHEMA "reporting";
--> statement-breakpoint
CREATE TYPE "reporting"."level" AS ENUM('low', 'high');--> statement-breakpoint
CREATE TABLE "items" ("id" integer PRIMARY KEY NOT NULL);
--> statement-breakpoint
CREATE TABLE "reporting"."totals" ("item_id" integer, "level" "reporting"."level");
--> statement-breakpoint
ALTER TABLE "reporting"."totals" ADD CONSTRAINT "totals_item_id_items_id_fk" FOREIGN KEY ("item_id") REFERENCES "public"."items"("id");`;
const snapshot = { tables: ['items'] };

const own = { '0000_items': 'CREATE TABLE items (id int);' };
const both = { ...own, '0001_totals': 'CREATE TABLE reporting.totals (n int);' };

/** Every object of users, with its schema. */
const objects = `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind = 'r' ORDER BY 1`;

async function namesIn({ query }: Database): Promise<readonly string[]> {
  return (await query<{ name: string }>(objects)).rows.map(({ name }) => name);
}

async function commentOn({ query }: Database, schema: string): Promise<string | null> {
  const { rows } = await query<{ comment: string | null }>(
    `SELECT obj_description(to_regnamespace($1), 'pg_namespace') AS comment`,
    [schema],
  );
  return rows[0]?.comment ?? null;
}

async function catalog(
  files: Readonly<Record<string, string>>,
  schemas: readonly string[] = ['reporting'],
): Promise<Plugin> {
  return { id: 'catalog', migrations: await migrationFolder(files), schemas };
}

const mark = 'slipway: schema of plugin_catalog';

describe('a further schema', () => {
  it.each(['0.x', '1.x'] as const)(
    'is made before the first file, for what drizzle-kit %s writes',
    async (format) => {
      const database = await db.fresh();
      const tag = format === '0.x' ? '0000_init' : '20240102030405_init';
      const migrations = await (format === '0.x' ? migrationFolder : timestampFolder)({
        [tag]: byDrizzle,
      });
      await writeSnapshots(migrations, { [tag]: snapshot }, format);
      let seen: unknown;
      const plugin = definePlugin({
        id: 'catalog',
        migrations,
        schemas: ['reporting'],
        init: async ({
          database: pool,
          schema,
        }: {
          readonly database: Pool;
          readonly schema: string;
        }) => {
          await pool.query(`INSERT INTO items VALUES (1)`);
          await pool.query(`INSERT INTO reporting.totals VALUES (1, 'low')`);
          const { rows } = await pool.query('SELECT current_schemas(false)::text AS path');
          seen = [schema, rows[0]];
        },
      });
      const { boot, recording } = bootUnderTest({ pool: database.url, plugins: [plugin] });
      const plan = await boot.plan();
      expect(plan.plugins[0]).toMatchObject({
        schema: 'plugin_catalog',
        missingSchemas: ['reporting'],
      });
      expect(plan.plugins[0]?.pending[0]?.statements[0]?.text).toContain(
        'CREATE SCHEMA IF NOT EXISTS "reporting"',
      );
      expect((await boot.start()).outcome).toBe('ready');
      expect(seen).toEqual(['plugin_catalog', { path: '{plugin_catalog}' }]);
      expect(recording.of('plugin.migrate.planned')).toMatchObject([
        { missingSchemas: ['reporting'] },
      ]);
      expect(await namesIn(database)).toEqual([
        'plugin_catalog.__drizzle_migrations',
        'plugin_catalog.items',
        'reporting.totals',
      ]);
      expect(await commentOn(database, 'reporting')).toBe(mark);

      const again = bootUnderTest({ pool: database.url, plugins: [plugin] });
      await again.boot.migrate();
      expect(again.recording.outcomes('migrate')).toEqual({ catalog: 'upToDate' });
      expect(again.recording.of('survey.finished')).toMatchObject([{ statements: 2 }]);
      expect(again.recording.of('plugin.migrate.planned')[0]).not.toHaveProperty('missingSchemas');
    },
  );

  it('that a release adds is made with its first pending file', async () => {
    const database = await db.fresh();
    const migrations = await migrationFolder(own);
    const plugin = { id: 'catalog', migrations };
    await bootUnderTest({ pool: database.url, plugins: [plugin] }).boot.migrate();
    await writeMigrations(migrations, both);
    const options = { pool: database.url, plugins: [{ ...plugin, schemas: ['reporting'] }] };
    await bootUnderTest(options).boot.migrate();
    expect(await namesIn(database)).toContain('reporting.totals');
    expect(await commentOn(database, 'reporting')).toBe(mark);
  });

  it('that a release adds is made also when nothing is pending, once', async () => {
    const database = await db.fresh();
    const plugin = await catalog(own, []);
    await bootUnderTest({ pool: database.url, plugins: [plugin] }).boot.migrate();
    const options: BootOptions = {
      pool: database.url,
      plugins: [{ ...plugin, schemas: ['reporting', 'Audit "log"'] }],
    };
    const verify = bootUnderTest({ ...options, migrations: { mode: 'verify' } });
    expect((await failureOf(verify.boot.start())).problems).toMatchObject([
      { code: 'MIGRATION_PENDING', message: 'catalog has no schema reporting, Audit "log" yet' },
    ]);
    const { boot, recording } = bootUnderTest(options);
    expect((await boot.start()).outcome).toBe('ready');
    expect(recording.lines('plugin.migrate')).toEqual([
      'plugin.migrate.planned catalog',
      'plugin.migrate.connecting catalog',
      'plugin.migrate.started catalog',
      'plugin.migrate.finished catalog',
    ]);
    expect(await commentOn(database, 'reporting')).toBe(mark);
    expect(await commentOn(database, '"Audit ""log"""')).toBe(mark);
    const again = bootUnderTest(options);
    await again.boot.start();
    expect(again.recording.outcomes('migrate')).toEqual({ catalog: 'upToDate' });
    expect(
      (await bootUnderTest({ ...options, migrations: { mode: 'verify' } }).boot.start()).outcome,
    ).toBe('ready');
  });

  it('is the only other place where a file may make something', async () => {
    const database = await db.fresh();
    const files = {
      ...both,
      '0002_stray': 'CREATE SCHEMA other; CREATE TABLE other.t (); CREATE TABLE reporting.more ();',
    };
    const { boot } = bootUnderTest({ pool: database.url, plugins: [await catalog(files)] });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({
      code: 'MIGRATION_STRAY_OBJECTS',
      position: { file: '0002_stray.sql' },
    });
    expect(error.message).toContain('makes schema other, table other.t outside');
    expect(error.hint).toContain('list it in the schemas of the plugin');
    expect(await namesIn(database)).toEqual([
      'plugin_catalog.__drizzle_migrations',
      'plugin_catalog.items',
      'reporting.totals',
    ]);
  });

  it('serves files without a transaction, functions and functions with a path of their own', async () => {
    const database = await db.fresh();
    const plugin = await catalog({
      ...both,
      '0002_index': 'CREATE INDEX CONCURRENTLY totals_n ON reporting.totals (n);',
      '0003_function':
        'CREATE FUNCTION reporting.one() RETURNS int LANGUAGE sql SET search_path = reporting AS $$ SELECT 1 $$;',
    });
    const coded = definePlugin({
      id: 'coded',
      schemas: ['archive'],
      migrations: [
        {
          name: '1',
          async run(client) {
            await client.query('CREATE SCHEMA archive');
            await client.query('CREATE TABLE archive.old (id int)');
          },
        },
      ],
    });
    const report = await bootUnderTest({
      pool: database.url,
      plugins: [plugin, coded],
    }).boot.start();
    expect(report).toMatchObject({ outcome: 'ready', warnings: [] });
    expect(await namesIn(database)).toContain('archive.old');
  });

  it('may belong to the host', async () => {
    const database = await db.fresh();
    const migrations = await migrationFolder({ '0000_init': byDrizzle });
    const options = { pool: database.url, host: { migrations, schemas: ['reporting'] } };
    expect((await bootUnderTest(options).boot.start()).outcome).toBe('ready');
    expect(await namesIn(database)).toEqual([
      'drizzle.__drizzle_migrations',
      'public.items',
      'reporting.totals',
    ]);
    expect(await commentOn(database, 'reporting')).toBe('slipway: schema of drizzle');
    const plugin = await catalog(own);
    const error = await failureOf(
      bootUnderTest({ pool: database.url, plugins: [plugin] }).boot.start(),
    );
    expect(error.problems).toMatchObject([{ code: 'SCHEMA_TAKEN', plugin: 'catalog' }]);
  });
});
