import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sqlFiles } from '../../src/core/migration-source.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import {
  readMigrations,
  type PluginMigrations,
} from '../../src/postgres/sources/read-migrations.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { errorOf, migrateOptions, pluginWith, takeSurvey, toPlugin } from './migration-fixture.ts';

const db = useDatabase();

type Files = Readonly<Record<string, string | Uint8Array>>;

async function folderOf(files: Files): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function plain(id: string, files: Files): Promise<PluginMigrations> {
  const migrations = await readMigrations(id, sqlFiles(await folderOf(files)));
  return toPlugin(id, migrations);
}

async function survey(plugin: PluginMigrations) {
  const client = await db.pool().connect();
  try {
    const { plugins } = await takeSurvey(client, [plugin]);
    const [found] = plugins;
    return {
      pending: found?.pending.map(({ name }) => name),
      warnings: found?.warnings.map(({ code }) => code),
      problems: found?.problems.map(({ code }) => code),
    };
  } finally {
    client.release();
  }
}

describe('a folder of plain SQL files', () => {
  test('runs in the order of its numbers, and leaves alone what is no SQL', async () => {
    const plugin = await plain('numbers', {
      '10_last.sql': 'insert into items values (10);',
      '2_more.sql': 'insert into items values (2);\ninsert into items values (3);',
      '1_items.sql': '\uFEFFcreate table items (id int);\r\n',
      'views.SQL': 'create view all_items as select * from items;',
      'README.md': 'not SQL',
    });
    expect(await migratePlugin(db.pool(), plugin, migrateOptions())).toMatchObject({
      applied: ['1_items.sql', '2_more.sql', '10_last.sql', 'views.SQL'],
    });
    const { rows } = await db.query(
      'select name from plugin_numbers.__drizzle_migrations order by id',
    );
    expect(rows.map(({ name }) => name as string)).toEqual([
      '1_items',
      '2_more',
      '10_last',
      'views',
    ]);
    expect(await survey(plugin)).toEqual({ pending: [], warnings: [], problems: [] });
  });

  test.each([
    [
      'of Flyway',
      ['V1__a.sql', 'V1_2__b.sql', 'V1.10__c.sql', 'V2__d.sql', 'V10__e.sql', 'R__view.sql'],
    ],
    ['with a date', ['V20230101000000__a.sql', 'V20240101000000__b.sql']],
    ['with dots', ['1.sql', '1.2_a.sql', '1.10_b.sql', '2_c.sql']],
    ['with a number of its own behind the first', ['1_10th_try.sql', '1_2nd_try.sql']],
    ['without a number, last', ['9_a.sql', '10_b.sql', 's3_bucket.sql', 'views.sql']],
    ['with a word like that of a way down', ['1_a.sql', '2_slow_down.sql', '3_add_undo.sql']],
  ])('runs files %s in their order', async (_, names) => {
    const files = Object.fromEntries(names.toReversed().map((name) => [name, 'select 1;']));
    const read = await readMigrations('p', sqlFiles(await folderOf(files)));
    expect(read.map(({ name }) => name)).toEqual(names);
  });

  test('means public where it says so', async () => {
    const fresh = await db.fresh();
    await fresh.query('create table public.shared (id int)');
    const plugin = await plain('meant', { '1_a.sql': 'insert into "public"."shared" values (1)' });
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    expect((await fresh.query('select from public.shared')).rowCount).toBe(1);
  });

  test('keeps the rules of files: its directives, its commands without a transaction, no BEGIN', async () => {
    const plugin = await plain('rules', {
      '1_items.sql': 'create table items (id int);',
      '2_index.sql': 'create index concurrently items_id on items (id);',
      '3_outside.sql': '-- slipway: allow-outside\ncreate table public.outside ();',
    });
    await migratePlugin(db.pool(), plugin, migrateOptions());
    expect(await survey(await plain('begins', { '1_a.sql': 'begin; commit;' }))).toMatchObject({
      problems: ['MIGRATION_TRANSACTION_CONTROL'],
    });
  });

  test('tells an edit, and that a file which was renamed is not run again', async () => {
    const text = 'create table items (id int);';
    await migratePlugin(db.pool(), await plain('edits', { '1_a.sql': text }), migrateOptions());
    expect(await survey(await plain('edits', { '1_a.sql': `${text} -- more` }))).toEqual({
      pending: [],
      warnings: ['MIGRATION_EDITED'],
      problems: [],
    });
    expect(await survey(await plain('edits', { '1_renamed.sql': text }))).toEqual({
      pending: [],
      warnings: ['MIGRATION_EDITED'],
      problems: [],
    });
  });

  /** The table keeps no names: its created_at is a number made of them. */
  test('knows its files again in a history of Drizzle 0.x, also one that was edited', async () => {
    const text = 'create table items (id int);';
    await migratePlugin(
      db.pool(),
      await pluginWith('older', { '0000_items': text }),
      migrateOptions(),
    );
    const files = { '0000_items.sql': text, '0001_more.sql': 'create table more (id int);' };
    expect(await survey(await plain('older', files))).toMatchObject({ pending: ['0001_more.sql'] });
    await migratePlugin(db.pool(), await plain('older', files), migrateOptions());

    const edited = { ...files, '0001_more.sql': '-- edited\ncreate table more (id int);' };
    // One for the edit, and one for the file that is known by its text alone, because its row has the time of Drizzle.
    expect(await survey(await plain('older', edited))).toEqual({
      pending: [],
      warnings: ['MIGRATION_EDITED', 'MIGRATION_EDITED'],
      problems: [],
    });
    const { rows } = await db.query(
      `select column_name as name from information_schema.columns
       where table_schema = 'plugin_older' and table_name = '__drizzle_migrations' order by 1`,
    );
    expect(rows.map(({ name }) => name as string)).toEqual(['created_at', 'hash', 'id']);
  });
});

test('a file with the way up and the way down of another tool is a problem while it is pending', async () => {
  const both = '-- +goose Up\ncreate table a ();\n-- +goose Down\ndrop table a;';
  const plugin = await plain('both', { '1_a.sql': both });
  const client = await db.pool().connect();
  const { problems } = await takeSurvey(client, [plugin]);
  client.release();
  expect(problems).toEqual([
    {
      code: 'MIGRATION_FILES_INVALID',
      plugin: 'both',
      file: '1_a.sql',
      line: 3,
      column: 1,
      message:
        'both: line 3 of 1_a.sql, "-- +goose Down", begins the undo part of goose, which would run right after the rest',
      hint: "Read the folder with sqlFiles(folder, { format: 'goose' }), which runs only the way up. Or remove it and everything after it from the file: a file runs as a whole, and Slipway does not undo migrations.",
    },
  ]);
  // Written by drizzle-kit, it is a remark: Drizzle runs the file as a whole too.
  expect(await survey(await pluginWith('remark', { '0000_a': both }))).toMatchObject({
    problems: [],
  });
});

describe('a folder of plain SQL files is refused', () => {
  test.each<[string, Files, RegExp]>([
    ['without a file', {}, /has no \.sql file/],
    ['with other files only', { 'a.txt': '' }, /has no \.sql file/],
    ['with a file that is no UTF-8', { '1_a.sql': Buffer.from([0x2d, 0x2d, 0xfc]) }, /not UTF-8/],
    [
      'with a file in UTF-16',
      { '1_a.sql': Buffer.from('select 1;', 'utf16le') },
      /1_a\.sql has a NUL character/,
    ],
    ['with one name twice', { '1_a.sql': '', '1_a.SQL': '' }, /are one name in the history/],
    ...[
      ['1_a.up.sql', '1_a.down.sql'],
      ['001.do.sql', '001.undo.sql'],
      ['002.do.some.sql', '002.undo.some.sql'],
      ['V1__a.sql', 'U1__a.sql'],
      ['V1_2__a.sql', 'U1_2__a.sql'],
      ['up.sql', 'down.sql'],
      ['2024-a-up.sql', '2024-a-down.sql'],
      ['0417_posts.sql', '0417_posts.rollback.sql'],
      ['014-findings.sql', '014-findings-DOWN.sql'],
      ['5_a.sql', '5_a_rollback.sql'],
      ['5_a.sql', '5_a.revert.sql'],
      ['5_a.sql', '5_a.undo.sql'],
    ].map(([up = '', down = '']): [string, Files, RegExp] => [
      `with ${down}, a way down`,
      { [up]: '', [down]: '' },
      new RegExp(`${down.replace(/sql$/, '')}sql undoes a migration, and would run as one`),
    ]),
  ])('%s', async (_, files, message) => {
    const error = await errorOf(readMigrations('p', sqlFiles(await folderOf(files))));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'p' });
    expect(error.message).toMatch(message);
  });

  test('when it is not there, or no folder', async () => {
    const folder = await folderOf({ '1_a.sql': '' });
    for (const wrong of [join(folder, 'gone'), join(folder, '1_a.sql')]) {
      expect(await errorOf(readMigrations('p', sqlFiles(wrong)))).toMatchObject({
        code: 'MIGRATION_FILES_INVALID',
      });
    }
  });
});
