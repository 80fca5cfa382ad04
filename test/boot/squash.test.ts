import { describe, expect, test } from 'vitest';
import { sqlFiles, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { timestampFolder } from '../support/migration-folder.ts';
import { journalFolder, plainFolder, type TimedFiles } from '../support/squashed-folders.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const old: TimedFiles = {
  '0000_items': [0, 'CREATE TABLE items (id int);'],
  '0001_tags': [1, 'CREATE TABLE tags (id int);'],
  '0002_rows': [2, 'INSERT INTO items VALUES (1);'],
};
const newer: TimedFiles = { '0004_more': [10, 'CREATE TABLE more (id int);'] };
const whole =
  '-- slipway: replaces 0000_items..0002_rows\nCREATE TABLE items (id int); CREATE TABLE tags (id int); INSERT INTO items VALUES (1);';
const squash: TimedFiles = { '0003_squash': [5, whole] };

const texts = (files: TimedFiles): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([tag, [, sql]]) => [tag, sql]));
/** `0002_rows` is `20240101000002_rows` in a folder of 1.x. */
const renamed = (text: string): string => text.replaceAll(/\b000(\d)_/g, '2024010100000$1_');
const timed = (files: TimedFiles): Record<string, string> =>
  Object.fromEntries(Object.entries(texts(files)).map((each) => each.map(renamed)));

/** The same releases in each shape of a history. */
const shapes = {
  'drizzle-kit 0.x': async (files: TimedFiles) => ({
    id: 'p',
    migrations: await journalFolder(files),
  }),
  'drizzle-kit 1.x': async (files: TimedFiles) => ({
    id: 'p',
    migrations: await timestampFolder(timed(files)),
  }),
  'plain files': async (files: TimedFiles) => ({
    id: 'p',
    migrations: sqlFiles(await plainFolder(texts(files))),
  }),
} satisfies Record<string, (files: TimedFiles) => Promise<Plugin>>;

describe.each(Object.entries(shapes))('of %s', (shape, release) => {
  const nameOf = (tag: string): string =>
    shape === 'drizzle-kit 1.x' ? `${renamed(tag)}/migration.sql` : `${tag}.sql`;
  async function start(url: string, files: TimedFiles): Promise<readonly unknown[]> {
    const { boot, recording } = bootUnderTest({ pool: url, plugins: [await release(files)] });
    await boot.start();
    await boot.stop();
    return recording
      .of('plugin.migrate.applied')
      .map(({ file, replaced }) => (replaced === undefined ? file : [file, replaced]));
  }
  const failure = async (url: string, files: TimedFiles): Promise<unknown> => {
    const { boot } = bootUnderTest({ pool: url, plugins: [await release(files)] });
    return (await failureOf(boot.start())).problems;
  };
  const countRows = async (query: (typeof db)['query']): Promise<unknown> =>
    (await query('SELECT count(*)::int AS n FROM plugin_p.__drizzle_migrations')).rows[0];

  test('a squash file takes the place of what it replaces, and does not run', async () => {
    const { url, query } = await db.fresh();
    await start(url, old);
    expect(await start(url, squash)).toEqual([[nameOf('0003_squash'), 3]]);
    expect(await countRows(query)).toEqual({ n: 1 });
    expect(await start(url, { ...squash, ...newer })).toEqual([nameOf('0004_more')]);
    expect((await query('SELECT * FROM plugin_p.items')).rows).toEqual([{ id: 1 }]);
  });

  test('a squash file runs on an empty history, and an older release is stopped there', async () => {
    const { url, query } = await db.fresh();
    expect(await start(url, { ...squash, ...newer })).toEqual([
      nameOf('0003_squash'),
      nameOf('0004_more'),
    ]);
    expect(await failure(url, { ...old, ...newer })).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN', message: expect.stringContaining('older than') },
    ]);
    expect(await countRows(query)).toEqual({ n: 2 });
  });

  test('a squash file in the middle of newer files takes its place, and an older release is stopped', async () => {
    const { url, query } = await db.fresh();
    await start(url, { ...old, ...newer });
    expect(await start(url, { ...squash, ...newer })).toEqual([[nameOf('0003_squash'), 3]]);
    expect(await countRows(query)).toEqual({ n: 2 });
    expect(await failure(url, { ...old, ...newer })).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN', message: expect.stringContaining('older than') },
    ]);
    expect((await query('SELECT * FROM plugin_p.items')).rows).toEqual([{ id: 1 }]);
  });

  test('a history with some of the replaced files is a problem, before anything changes', async () => {
    const { url, query } = await db.fresh();
    const { '0002_rows': last, ...first } = old;
    expect(last).toBeDefined();
    await start(url, first);
    expect(await failure(url, squash)).toMatchObject([
      {
        code: 'MIGRATION_HISTORY_UNKNOWN',
        hint: expect.stringContaining('Deploy the last release before the squash'),
      },
    ]);
    expect(await countRows(query)).toEqual({ n: 2 });
  });
});
