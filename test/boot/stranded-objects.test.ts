import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BootOptions, Plugin, Problem } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, timestampFolder } from '../support/migration-folder.ts';
import { pluginWithSnapshot, writeSnapshots, type Snapshot } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const everything = `CREATE TYPE status AS ENUM ('new', 'old');
CREATE TABLE items (id serial PRIMARY KEY, status status NOT NULL, counted int);
CREATE SEQUENCE counter;
CREATE VIEW new_items AS SELECT id FROM items;
CREATE MATERIALIZED VIEW item_counts AS SELECT count(*) FROM items;`;
const everyName: Snapshot = {
  tables: ['items'],
  enums: ['status'],
  sequences: ['counter'],
  views: ['new_items', 'item_counts'],
};
const strandEverything = `ALTER TYPE plugin_a.status SET SCHEMA public;
ALTER TABLE plugin_a.items SET SCHEMA public; ALTER SEQUENCE plugin_a.counter SET SCHEMA public;
ALTER VIEW plugin_a.new_items SET SCHEMA public; ALTER MATERIALIZED VIEW plugin_a.item_counts SET SCHEMA public`;

/** Migrates the plugins, and then moves something behind Slipway's back. */
async function strand(
  fresh: Database,
  plugins: readonly Plugin[],
  move: string,
): Promise<BootOptions & { readonly plugins: readonly Plugin[] }> {
  const options = { pool: fresh.url, plugins };
  await bootUnderTest(options).boot.migrate();
  await fresh.query(move);
  return options;
}

async function problemsOf(options: BootOptions): Promise<readonly Problem[]> {
  const { problems } = await bootUnderTest(options).boot.plan();
  expect(problems.every(({ code }) => code === 'MIGRATION_STRANDED_OBJECTS')).toBe(true);
  return problems;
}

async function messagesOf(options: BootOptions): Promise<readonly string[]> {
  return (await problemsOf(options)).map(({ message }) => message);
}

const items = 'CREATE TABLE items (id int);';
const itemsOnly = { tables: ['items'] };
const belongs = (id: string, what: string): string =>
  `${id}: public has ${what}, which belong to it and its schema plugin_${id} lacks, though its history has them`;

describe("what a plugin's snapshot has and its schema lacks", () => {
  it.each(['0.x', '1.x'] as const)(
    'is found in public before anything is changed, with a folder of Drizzle %s',
    async (format) => {
      const fresh = await db.fresh();
      const tag = format === '0.x' ? '0000_init' : '20240102030405_init';
      const write = format === '0.x' ? migrationFolder : timestampFolder;
      const migrations = await write({ [tag]: everything });
      await writeSnapshots(migrations, { [tag]: everyName }, format);
      const options = await strand(fresh, [{ id: 'a', migrations }], strandEverything);
      const untouched = await pluginWithSnapshot('b', 'CREATE TABLE b ();');

      const error = await failureOf(
        bootUnderTest({ ...options, plugins: [...options.plugins, untouched] }).boot.start(),
      );
      expect(error.code).toBe('PLAN_INVALID');
      expect(error.problems).toEqual([
        {
          code: 'MIGRATION_STRANDED_OBJECTS',
          plugin: 'a',
          message: belongs(
            'a',
            'materialized view item_counts, sequence counter, table items, type status, view new_items',
          ),
          hint: "repair.relocate('a') moves them, with their data; with { dryRun: true } it shows the statements, and changes nothing.",
        },
      ]);
      const { rows } = await fresh.query(`SELECT to_regnamespace('plugin_b') AS b`);
      expect(rows).toEqual([{ b: null }]);
    },
  );

  it('is found where only a part of the history landed there', async () => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot('a', everything, everyName);
    const options = await strand(fresh, [a], 'ALTER TYPE plugin_a.status SET SCHEMA public');
    expect(await messagesOf(options)).toEqual([belongs('a', 'type status')]);
  });

  it('counts by the snapshot of the newest file that is applied: what is pending may be anywhere', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({ '0000_init': items });
    await writeSnapshots(migrations, {
      '0000_init': itemsOnly,
      '0001_more': { tables: ['items', 'more'] },
    });
    const options = await strand(fresh, [{ id: 'a', migrations }], 'CREATE TABLE public.more ()');
    expect(await problemsOf(options)).toEqual([]);
  });

  it('with names that need quotes is found too', async () => {
    const fresh = await db.fresh();
    const name = `it"em'S\\ größe`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const a = await pluginWithSnapshot('a', `CREATE TABLE ${quoted} ();`, { tables: [name] });
    const options = await strand(fresh, [a], `ALTER TABLE plugin_a.${quoted} SET SCHEMA public`);
    expect(await messagesOf(options)).toEqual([belongs('a', `table ${name}`)]);
  });
});

describe('nothing is said of', () => {
  it('what is in its own schema as well', async () => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot('a', everything, everyName);
    const copies = `CREATE TABLE public.items (); CREATE TYPE public.status AS ENUM ('x'); CREATE VIEW public.new_items AS SELECT 1`;
    expect(await problemsOf(await strand(fresh, [a], copies))).toEqual([]);
  });

  it('members of an extension', async () => {
    const fresh = await db.fresh();
    await fresh.query('CREATE EXTENSION pg_stat_statements SCHEMA public');
    const a = await pluginWithSnapshot('a', 'SELECT 1;', { views: ['pg_stat_statements'] });
    expect(await problemsOf(await strand(fresh, [a], 'SELECT 1'))).toEqual([]);
  });

  it('another kind of thing with the same name', async () => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot('a', items, itemsOnly);
    const move = 'DROP TABLE plugin_a.items; CREATE VIEW public.items AS SELECT 1';
    expect(await problemsOf(await strand(fresh, [a], move))).toEqual([]);
  });

  it('what a file has made in public on purpose', async () => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot(
      'a',
      '-- slipway: allow-outside\nCREATE TABLE public.items ();',
      itemsOnly,
    );
    expect(await problemsOf(await strand(fresh, [a], 'SELECT 1'))).toEqual([]);
  });

  it('what "public". means, when it is not read as the schema of the plugin', async () => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot('a', `CREATE TABLE "public"."items" ();`, itemsOnly);
    const options: BootOptions = {
      pool: fresh.url,
      plugins: [a],
      migrations: { rewritePublic: false, strayObjects: 'off' },
    };
    await bootUnderTest(options).boot.migrate();
    expect(await problemsOf(options)).toEqual([]);
    expect(await messagesOf({ ...options, migrations: {} })).toEqual([belongs('a', 'table items')]);
  });

  it.each([
    ['by its newest snapshot', { '0000_host': itemsOnly, '0001_more': itemsOnly }],
    ['by an older one', { '0000_host': itemsOnly, '0001_more': {} }],
    ['by its SQL, when it has no snapshots', {}],
  ])('what the host knows %s', async (_, snapshots) => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot('a', items, itemsOnly);
    const host = await migrationFolder({ '0000_host': items, '0001_more': 'SELECT 1;' });
    await writeSnapshots(host, snapshots);
    const options = await strand(fresh, [a], 'DROP TABLE plugin_a.items');
    const hosted = { ...options, host: { migrations: host } };
    await bootUnderTest(hosted).boot.migrate();
    expect(await problemsOf(hosted)).toEqual([]);
  });

  it('a plugin whose history is ahead: a newer release may have dropped it, and a rollback has to boot', async () => {
    const fresh = await db.fresh();
    const a = await pluginWithSnapshot('a', items, itemsOnly);
    const options = await strand(fresh, [a], 'ALTER TABLE plugin_a.items SET SCHEMA public');
    expect(await messagesOf(options)).toHaveLength(1);
    await fresh.query(
      "INSERT INTO plugin_a.__drizzle_migrations (hash, created_at) VALUES ('newer', 1800000000000)",
    );
    expect(await problemsOf(options)).toEqual([]);
  });

  it('a snapshot that cannot be read', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({ '0000_init': items });
    await writeSnapshots(migrations, { '0000_init': itemsOnly });
    const move = 'ALTER TABLE plugin_a.items SET SCHEMA public';
    const options = await strand(fresh, [{ id: 'a', migrations }], move);
    expect(await messagesOf(options)).toHaveLength(1);
    await writeFile(join(migrations, 'meta', '0000_snapshot.json'), '<<<<<<< HEAD');
    expect(await problemsOf(options)).toEqual([]);
  });
});

it("with migrations.strandedObjects: 'warn' is a warning, and the boot goes on", async () => {
  const fresh = await db.fresh();
  const a = await pluginWithSnapshot('a', items, itemsOnly);
  const options = await strand(fresh, [a], 'ALTER TABLE plugin_a.items SET SCHEMA public');
  const { boot, recording } = bootUnderTest({
    ...options,
    migrations: { strandedObjects: 'warn' },
  });
  expect((await boot.start()).warnings).toMatchObject([{ message: belongs('a', 'table items') }]);
  expect(recording.of('plugin.migrate.warning')).toMatchObject([
    { plugin: 'a', code: 'MIGRATION_STRANDED_OBJECTS' },
  ]);
});

describe('what two plugins lack', () => {
  const disputed = (id: string, other: string): string =>
    `${id}: public has table items (also of ${other}), which belong to one of several plugins, and its schema plugin_${id} lacks, though its history has them`;

  it('is said to be of one of them', async () => {
    const fresh = await db.fresh();
    const both = [
      await pluginWithSnapshot('a', items, itemsOnly),
      await pluginWithSnapshot('b', items, itemsOnly),
    ];
    const move = 'ALTER TABLE plugin_a.items SET SCHEMA public; DROP TABLE plugin_b.items';
    const problems = await problemsOf(await strand(fresh, both, move));
    expect(problems.map(({ message }) => message)).toEqual([
      disputed('a', 'b'),
      disputed('b', 'a'),
    ]);
    expect(problems[0]?.hint).toBe(
      "Find out whose they are, and name them: repair.relocate('a', { objects: ['items'] })",
    );
  });

  it('may also be of one without snapshots whose SQL names it', async () => {
    const fresh = await db.fresh();
    const both = [
      await pluginWithSnapshot('a', items, itemsOnly),
      await pluginWithSnapshot('b', items),
    ];
    const move = 'ALTER TABLE plugin_a.items SET SCHEMA public; DROP TABLE plugin_b.items';
    expect(await messagesOf(await strand(fresh, both, move))).toEqual([disputed('a', 'b')]);
  });

  it('is of the one that lacks it when the other has it in its schema', async () => {
    const fresh = await db.fresh();
    const both = [
      await pluginWithSnapshot('a', items, itemsOnly),
      await pluginWithSnapshot('b', items, itemsOnly),
    ];
    const options = await strand(fresh, both, 'ALTER TABLE plugin_a.items SET SCHEMA public');
    expect(await messagesOf(options)).toEqual([belongs('a', 'table items')]);
  });
});
