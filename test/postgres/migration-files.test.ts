import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { BootError } from '../../src/core/errors.ts';
import { FolderSnapshots } from '../../src/postgres/sources/folder-snapshots.ts';
import { ownNames } from '../../src/postgres/sources/migration.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { errorOf, firstWhen, writeFolder, writeTimestampFolder } from './migration-fixture.ts';

test('a folder gives its files with the hash and the time that Drizzle would write', async () => {
  const folder = await writeFolder({
    '0000_init': 'select 1;',
    '0001_größe': 'select 2; -- 😀\r\n',
  });
  const files = await readMigrationFolder('catalog', folder);

  expect(files[0]).toEqual({
    name: '0000_init.sql',
    when: firstWhen,
    historyName: '20231114221320_init',
    format: '0.x',
    hash: createHash('sha256').update('select 1;').digest('hex'),
    sql: expect.any(SqlText),
    snapshotPath: join(folder, 'meta', '0000_snapshot.json'),
    snapshots: expect.any(FolderSnapshots),
  });
  const drizzles = readMigrationFiles({ migrationsFolder: folder });
  expect(files.map(({ hash, when }) => ({ hash, when }))).toEqual(
    drizzles.map(({ hash, folderMillis }) => ({ hash, when: folderMillis })),
  );
});

test('a journal without entries is nothing to do', async () => {
  expect(await readMigrationFolder('catalog', await writeFolder({}))).toEqual([]);
});

test.each(['postgresql', 'pg', undefined])('a journal may call PostgreSQL %s', async (dialect) => {
  const folder = await writeFolder({ '0000_init': 'select 1;' });
  const entries = [{ when: firstWhen, tag: '0000_init' }];
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ dialect, entries }));
  expect(await readMigrationFolder('catalog', folder)).toHaveLength(1);
});

test('a folder of drizzle-kit 1.x gives its files in the order of their times', async () => {
  const folder = await writeTimestampFolder({ '0000_init': 'select 1;', '0001_more': 'select 2;' });
  await mkdir(join(folder, 'notes'));
  await writeFile(join(folder, 'README.md'), 'No migration.');
  const files = await readMigrationFolder('catalog', folder);
  expect(files).toEqual([
    {
      name: '20231114221320_init/migration.sql',
      when: firstWhen,
      historyName: '20231114221320_init',
      format: '1.x',
      hash: createHash('sha256').update('select 1;').digest('hex'),
      sql: expect.any(SqlText),
      snapshotPath: join(folder, '20231114221320_init', 'snapshot.json'),
      snapshots: expect.any(FolderSnapshots),
    },
    expect.objectContaining({ historyName: '20231114221321_more', when: firstWhen + 1_000 }),
  ]);
});

test('snapshots of drizzle-kit 1.x tell which names in public are the plugin’s own', async () => {
  const folder = await writeTimestampFolder({ '0000_init': 'create table "public"."a" ();' });
  await writeFile(
    join(folder, '20231114221320_init', 'snapshot.json'),
    JSON.stringify({
      version: '9',
      ddl: [
        { schema: 'public', name: 'a', entityType: 'tables' },
        { schema: 'other', name: 'b', entityType: 'tables' },
        { schema: 'public', name: 'status', entityType: 'enums' },
        { schema: 'public', table: 'a', name: 'id', entityType: 'columns' },
        { schema: 'public', table: 'a', name: 'a_idx', entityType: 'indexes' },
        { name: 'owner', entityType: 'roles' },
      ],
    }),
  );
  const files = await readMigrationFolder('catalog', folder);
  const names = new Set(['a', 'b', 'status', 'id', 'a_idx', 'owner']);
  expect(await files[0]?.snapshots?.ownAmong(names)).toEqual(new Set(['a', 'status', 'a_idx']));
});

test('snapshots tell which names in public are the plugin’s own', async () => {
  const folder = await writeFolder({ '0000_init': 'create table "public"."a" ();' });
  await writeFile(
    join(folder, 'meta', '0000_snapshot.json'),
    JSON.stringify({
      tables: { 'public.a': { indexes: { a_idx: {} } }, 'other.b': { indexes: { b_idx: {} } } },
      enums: { 'public.status': {} },
      sequences: { 'public.s': {} },
      views: { 'public.v': {} },
    }),
  );
  const files = await readMigrationFolder('catalog', folder);
  const names = new Set(['a', 'b', 'status', 's', 'v', 'a_idx', 'b_idx']);
  expect(await files[0]?.snapshots?.ownAmong(names)).toEqual(
    new Set(['a', 'status', 's', 'v', 'a_idx']),
  );
});

const journal = (text: string) => async (folder: string) =>
  writeFile(join(folder, 'meta', '_journal.json'), text);
const entries = (...list: unknown[]) => journal(JSON.stringify({ entries: list }));
const one = { tag: '0000_init', when: 1 };

describe('a folder that cannot be used is told with the plugin, the path and what to do', () => {
  test.each<[string, (folder: string) => Promise<void>, RegExp]>([
    ['missing', (folder) => rm(folder, { recursive: true }), /cannot be read/],
    [
      'empty',
      (folder) => rm(join(folder, 'meta'), { recursive: true }),
      /_journal\.json cannot be read/,
    ],
    ['a journal that is no JSON', journal('<<<<<<< HEAD'), /not JSON/],
    ['a journal of another shape', journal('[]'), /no list "entries"/],
    ['an entry without a tag', entries({ when: 1 }), /entry 0 .* needs a tag/],
    [
      'an entry without a time',
      entries({ tag: 'a', when: 'now' }),
      /needs a tag and a whole number/,
    ],
    ['a missing file', entries(one, { tag: '0001_gone', when: 2 }), /names 0001_gone\.sql/],
    [
      'a folder of 1.x beside the journal of 0.x',
      async (folder) => {
        await mkdir(join(folder, '20231114221320_init'));
        await writeFile(join(folder, '20231114221320_init', 'migration.sql'), 'select 1');
      },
      /a journal of drizzle-kit 0\.x and 20231114221320_init\/migration\.sql of 1\.x/,
    ],
    [
      'a folder of 1.x without its time',
      async (folder) => {
        await rm(join(folder, 'meta'), { recursive: true });
        await mkdir(join(folder, 'init'));
        await writeFile(join(folder, 'init', 'migration.sql'), 'select 1');
      },
      /init does not begin with a time/,
    ],
    ['a time that no clock shows', entries({ tag: 'a', when: 9e15 }), /needs a tag and a whole/],
    [
      'one time twice',
      entries(one, { tag: '0001_b', when: 1 }),
      /0000_init and 0001_b have the same "when"/,
    ],
    [
      'one tag twice, as a bad merge leaves it',
      entries(one, { ...one, when: 2 }),
      /has 0000_init and 0000_init, which are one file/,
    ],
    [
      'two tags that are one file where case does not count',
      entries(one, { tag: '0000_INIT', when: 2 }),
      /has 0000_init and 0000_INIT, which are one file/,
    ],
    [
      'one idx twice',
      entries({ ...one, idx: 0 }, { tag: '0000_other', when: 2, idx: 0 }),
      /0000_init and 0000_other have the same "idx" \(0\)/,
    ],
    [
      'a tag that leads out of it',
      entries({ tag: '../0000_init', when: 1 }),
      /not the name of a file/,
    ],
    ['a tag with a folder', entries({ tag: 'sub/0000_init', when: 1 }), /not the name of a file/],
    [
      'a tag with a backslash',
      entries({ tag: '..\\0000_init', when: 1 }),
      /not the name of a file/,
    ],
    ['a tag that is a path', entries({ tag: '/0000_init', when: 1 }), /not the name of a file/],
    ['a tag on another drive', entries({ tag: 'C:0000_init', when: 1 }), /not the name of a file/],
    [
      'a journal of another dialect',
      journal(JSON.stringify({ dialect: 'mysql', entries: [one] })),
      /migrations for "mysql"/,
    ],
  ])('%s', async (_, damage, message) => {
    const folder = await writeFolder({ '0000_init': 'select 1' });
    await damage(folder);
    const error = await errorOf(readMigrationFolder('catalog', folder));
    expect(error).toBeInstanceOf(BootError);
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'catalog' });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(folder);
    expect((error as BootError).hint).not.toBe('');
  });

  test('a snapshot that is no JSON, where names in public must be told apart', async () => {
    const folder = await writeFolder({ '0000_init': 'create table "public"."a" ();' });
    await writeFile(join(folder, 'meta', '0000_snapshot.json'), '<<<<<<< HEAD');
    const files = await readMigrationFolder('catalog', folder);
    const error = await errorOf(Promise.all(files.map(ownNames)));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'catalog' });
    expect(error.message).toMatch(/0000_snapshot\.json is not JSON/);
  });

  test('a file instead of a folder', async () => {
    const folder = await writeFolder({ '0000_init': 'select 1' });
    const error = await errorOf(readMigrationFolder('catalog', join(folder, '0000_init.sql')));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
    expect(error.message).toMatch(/is not a folder/);
  });
});

test('lets the rest of the process run while it reads a long folder', async () => {
  const files = Array.from(
    { length: 60 },
    (_, index) => [`${1000 + index}_f`, 'select 1'] as const,
  );
  const folder = await writeFolder(Object.fromEntries(files));
  // A clock by which every file takes longer than may pass without a turn for the others.
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 10));
  onTestFinished(() => clock.mockRestore());
  let turns = 0;
  let isOver = false;
  const takeTurn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(takeTurn);
  };
  setImmediate(takeTurn);

  await readMigrationFolder('p', folder);
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(files.length);
});
