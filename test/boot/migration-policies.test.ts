import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, timestampFolder, writeMigrations } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const a = { '0000_a': 'CREATE TABLE a (id int);' };
const b = { '0001_b': 'CREATE TABLE b (id int);' };
const c = { '0002_c': 'CREATE TABLE c (id int);' };
const tables =
  "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('plugin_p') AND relkind = 'r' AND relname <> '__drizzle_migrations' ORDER BY 1";

interface Given {
  readonly folder: string;
  readonly options: (migrations?: BootOptions['migrations']) => BootOptions;
  readonly tables: () => Promise<readonly unknown[]>;
  readonly query: typeof db.query;
}

/** A database to which a boot has applied these files. */
async function given(files: Readonly<Record<string, string>>): Promise<Given> {
  const { url, query } = await db.fresh();
  const folder = await migrationFolder(files);
  const options: Given['options'] = (migrations = {}) => {
    return { pool: url, plugins: [{ id: 'p', migrations: folder }], migrations };
  };
  await bootUnderTest(options()).boot.migrate();
  return {
    folder,
    options,
    query,
    tables: async () => (await query(tables)).rows.map(({ relname }) => relname as unknown),
  };
}

/** Boots, plans, and gives what both warned of, which has to be the same. */
async function warningsOf(options: BootOptions): Promise<readonly object[]> {
  const plan = await bootUnderTest(options).boot.plan();
  const { boot, recording } = bootUnderTest(options);
  const report = await boot.migrate();
  const warnings = recording.of('plugin.migrate.warning');
  const told = warnings.map(({ code, message, hint }) => ({ code, message, hint, plugin: 'p' }));
  for (const each of [report.warnings, plan.warnings, plan.plugins[0]?.warnings]) {
    expect(each).toMatchObject(told);
  }
  const names = recording.lines('plugin.migrate');
  const planned = names.indexOf('plugin.migrate.planned p');
  expect(names.slice(planned + 1, planned + 1 + warnings.length)).toEqual(
    warnings.map(() => 'plugin.migrate.warning p'),
  );
  return warnings.map(({ plugin, file, code, message }) => ({ plugin, file, code, message }));
}

/** What keeps a boot from starting, which its plan has to say too. */
async function problemsOf(options: BootOptions): Promise<readonly object[]> {
  const plan = await bootUnderTest(options).boot.plan();
  const error = await failureOf(bootUnderTest(options).boot.migrate());
  expect(error.code).toBe('PLAN_INVALID');
  expect(plan.problems).toEqual(error.problems);
  expect(plan.plugins[0]?.problems).toEqual(error.problems);
  return (error.problems ?? []).map(({ code, file }) => ({ code, file }));
}

describe('migrations.outOfOrder', () => {
  const later = async (): Promise<Given> => {
    const found = await given({ ...a, ...b, ...c });
    await found.query(
      'DROP TABLE plugin_p.b; DELETE FROM plugin_p.__drizzle_migrations WHERE created_at = 1700000001000',
    );
    return found;
  };

  it("'apply' applies a file that was merged late, and warns", async () => {
    const found = await later();
    expect(await warningsOf(found.options())).toEqual([
      {
        plugin: 'p',
        file: '0001_b.sql',
        code: 'MIGRATION_OUT_OF_ORDER',
        message: 'p: 0001_b.sql is pending, and a file that comes after it is applied',
      },
    ]);
    expect(await found.tables()).toEqual(['a', 'b', 'c']);
    expect(await warningsOf(found.options())).toEqual([]);
  });

  it("'error' refuses it before anything is changed", async () => {
    const found = await later();
    expect(await problemsOf(found.options({ outOfOrder: 'error' }))).toEqual([
      { code: 'MIGRATION_OUT_OF_ORDER', file: '0001_b.sql' },
    ]);
    expect(await found.tables()).toEqual(['a', 'c']);
  });
});

describe('migrations.edited', () => {
  it("'warn' does not run an edited file again, and warns", async () => {
    const found = await given({ ...a, ...b });
    await writeMigrations(found.folder, { ...a, '0001_b': 'CREATE TABLE z ();', ...c });
    expect(await warningsOf(found.options())).toEqual([
      {
        plugin: 'p',
        file: '0001_b.sql',
        code: 'MIGRATION_EDITED',
        message: 'p: 0001_b.sql was changed after it was applied',
      },
    ]);
    expect(await found.tables()).toEqual(['a', 'b', 'c']);
  });

  it("'error' refuses to go on", async () => {
    const found = await given(a);
    await writeMigrations(found.folder, { '0000_a': 'CREATE TABLE z ();', ...b });
    expect(await problemsOf(found.options({ edited: 'error' }))).toEqual([
      { code: 'MIGRATION_EDITED', file: '0000_a.sql' },
    ]);
    expect(await found.tables()).toEqual(['a']);
  });

  it('takes no other line ends and no rewritten schema for an edit', async () => {
    const text =
      'CREATE TABLE "public"."a" (id int);\n--> statement-breakpoint\nCREATE TABLE x ();\n';
    const found = await given({ '0000_a': text });
    for (const changed of [
      text.replaceAll('\n', '\r\n'),
      text.replace('public', 'plugin_p'),
      text.replace('public', 'plugin_p').replaceAll('\n', '\r\n'),
    ]) {
      await writeMigrations(found.folder, { '0000_a': changed });
      expect(await warningsOf(found.options({ edited: 'error' }))).toEqual([]);
    }
  });
});

describe('migrations.ahead', () => {
  it("'warn' lets a release boot that was rolled back", async () => {
    const found = await given({ ...a, ...b });
    await writeMigrations(found.folder, a);
    expect(await warningsOf(found.options())).toEqual([
      {
        plugin: 'p',
        file: undefined,
        code: 'MIGRATION_DATABASE_AHEAD',
        message: 'p: the database has 1 migration that the folder lacks: created_at 1700000001000',
      },
    ]);
  });

  it("'error' refuses it", async () => {
    const found = await given({ ...a, ...b });
    await writeMigrations(found.folder, a);
    expect(await problemsOf(found.options({ ahead: 'error' }))).toEqual([
      { code: 'MIGRATION_DATABASE_AHEAD', file: undefined },
    ]);
  });

  it('says that the two have diverged when something is pending at once', async () => {
    const found = await given({ ...a, ...b });
    await rm(join(found.folder, '0001_b.sql'));
    const branch = await timestampFolder({
      '20231114221320_a': a['0000_a'],
      '20240101000000_c': c['0002_c'],
    });
    const options = { ...found.options(), plugins: [{ id: 'p', migrations: branch }] };
    expect(await warningsOf(options)).toMatchObject([
      {
        code: 'MIGRATION_DATABASE_AHEAD',
        message:
          'p: the two have diverged: the database has 1 migration that the folder lacks: created_at 1700000001000; and 20240101000000_c/migration.sql is pending',
      },
    ]);
    expect(await found.tables()).toEqual(['a', 'b', 'c']);
  });
});

describe('a history that knows none of the files', () => {
  it('is refused before anything is changed, whatever the policies say', async () => {
    const found = await given({ ...a, ...b });
    const other = await timestampFolder({ '20240101000000_c': c['0002_c'] });
    const options = { ...found.options(), plugins: [{ id: 'p', migrations: other }] };
    expect(await problemsOf(options)).toEqual([
      { code: 'MIGRATION_HISTORY_UNKNOWN', file: undefined },
    ]);
    expect(await found.tables()).toEqual(['a', 'b']);
  });

  it('is only ahead when the folder is empty: then there is nothing to run', async () => {
    const found = await given(a);
    await writeMigrations(found.folder, {});
    expect(await warningsOf(found.options())).toMatchObject([{ code: 'MIGRATION_DATABASE_AHEAD' }]);
  });
});

describe('plan()', () => {
  it('tells the statements of every pending file, where they stand, and the schema they go to', async () => {
    const { url } = await db.fresh();
    const folder = await migrationFolder({
      '0000_a':
        '-- the first\nCREATE TABLE "public"."a" ();--> statement-breakpoint\n\n  CREATE TABLE é (); CREATE TABLE x ();\r\n--> statement-breakpoint\r\nSELECT 1',
      '0001_empty': '',
    });
    const { plugins } = await bootUnderTest({
      pool: url,
      plugins: [{ id: 'p', migrations: folder }],
    }).boot.plan();
    expect(plugins[0]?.pending).toEqual([
      {
        file: '0000_a.sql',
        kind: 'sql',
        transaction: true,
        statements: [
          {
            text: '-- the first\nCREATE TABLE "plugin_p"."a" ();',
            line: 2,
            column: 1,
            blocks: 'none',
            rewrites: false,
          },
          {
            text: 'CREATE TABLE é (); CREATE TABLE x ();',
            line: 4,
            column: 3,
            blocks: 'none',
            rewrites: false,
          },
          { text: 'SELECT 1', line: 6, column: 1, blocks: 'unknown', rewrites: false },
        ],
      },
      { file: '0001_empty.sql', kind: 'sql', transaction: true, statements: [] },
    ]);
  });

  it('tells whom each statement blocks, and what runs outside of a transaction', async () => {
    const { url } = await db.fresh();
    const folder = await migrationFolder({
      '0000_a': 'ALTER TABLE "public"."items" ADD more int;',
      '0001_index': 'CREATE INDEX CONCURRENTLY i ON items (more);',
    });
    const run = (): void => undefined;
    const { plugins } = await bootUnderTest({
      pool: url,
      plugins: [
        { id: 'p', migrations: folder },
        {
          id: 'q',
          migrations: [
            { name: 'a', run },
            { name: 'b', run, transaction: false },
          ],
        },
      ],
    }).boot.plan();
    expect(plugins[0]?.pending).toMatchObject([
      {
        transaction: true,
        statements: [{ blocks: 'readers', rewrites: false }],
      },
      {
        transaction: false,
        statements: [{ blocks: 'none', rewrites: false }],
      },
    ]);
    expect(plugins[1]?.pending).toEqual([
      { file: 'a', kind: 'function', transaction: true, statements: [] },
      { file: 'b', kind: 'function', transaction: false, statements: [] },
    ]);
  });

  it('tells the problems of each plugin with the plugin', async () => {
    const { url } = await db.fresh();
    const folder = await migrationFolder({ '0000_a': 'BEGIN; COMMIT;' });
    const { plugins, problems } = await bootUnderTest({
      pool: url,
      plugins: [{ id: 'p', migrations: folder }, { id: 'q' }, { id: 'r', migrations: '/nowhere' }],
    }).boot.plan();
    expect(plugins.map((plugin) => plugin.problems.map(({ code }) => code))).toEqual([
      ['MIGRATION_TRANSACTION_CONTROL'],
      [],
      ['MIGRATION_FILES_INVALID'],
    ]);
    expect(problems).toHaveLength(2);
  });
});
