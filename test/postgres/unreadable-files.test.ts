import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sqlFiles, type MigrationSource } from '../../src/core/migration-source.ts';
import { ownNames } from '../../src/postgres/sources/migration.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { readMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { errorOf, writeFolder, writeTimestampFolder } from './migration-fixture.ts';

const isRoot = process.getuid?.() === 0;

/** A folder of each kind with one file, and where that file is. */
const folders: readonly (readonly [
  kind: string,
  make: () => Promise<readonly [source: MigrationSource, file: string]>,
])[] = [
  [
    'drizzle-kit 0.x',
    async () => {
      const folder = await writeFolder({ '0000_init': 'select 1;' });
      return [folder, join(folder, '0000_init.sql')];
    },
  ],
  [
    'drizzle-kit 1.x',
    async () => {
      const folder = await writeTimestampFolder({ '0000_init': 'select 1;' });
      return [folder, join(folder, '20231114221320_init', 'migration.sql')];
    },
  ],
  [
    'plain SQL',
    async () => {
      const folder = await temporaryFolder();
      const file = join(folder, '1_init.sql');
      await writeFile(file, 'select 1;');
      return [sqlFiles(folder), file];
    },
  ],
];

async function makeSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
}

const makeFifo = async (path: string): Promise<void> => void execFileSync('mkfifo', [path]);

const damages: readonly (readonly [
  what: string,
  damage: (file: string) => unknown,
  message: RegExp,
])[] = [
  ['is a FIFO', makeFifo, /is a FIFO, not a file/],
  ['is a socket', makeSocket, /is a socket, not a file/],
  ['is a device', (file) => symlink('/dev/zero', file), /is a device, not a file/],
  ['is a folder', (file) => mkdir(file), /is a folder, not a file/],
  ['is a link that leads nowhere', (file) => symlink(`${file}.gone`, file), /cannot be read/],
  ['is in Latin-1', (file) => writeFile(file, Buffer.from('-- caf\xe9', 'latin1')), /not UTF-8/],
  [
    'is in UTF-16',
    (file) => writeFile(file, Buffer.from('\uFEFFselect 1;', 'utf16le')),
    /not UTF-8/,
  ],
  [
    'is in UTF-16 without a mark',
    (file) => writeFile(file, Buffer.from('select 1;', 'utf16le')),
    /NUL character/,
  ],
  ['has a NUL in it', (file) => writeFile(file, "select '\0';"), /NUL character/],
  [
    'is too large',
    async (file) => {
      await writeFile(file, 'select 1;');
      await truncate(file, 513 * 1024 * 1024);
    },
    /has 513 MB, and the largest file that is read has 512 MB/,
  ],
];

describe.each(folders)('in a folder of %s, a file is refused at once that', (_, make) => {
  test.each(damages)('%s', async (__, damage, message) => {
    const [source, file] = await make();
    await rm(file);
    await damage(file);
    const error = await errorOf(readMigrations('catalog', source));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'catalog' });
    expect(error.message).toMatch(message);
  });

  test.skipIf(isRoot)('this process may not read', async () => {
    const [source, file] = await make();
    await chmod(file, 0o000);
    const error = await errorOf(readMigrations('catalog', source));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'catalog' });
    expect(error.message).toMatch(/cannot be read/);
  });
});

describe('the journal and the snapshots are read by the same rules:', () => {
  test('a journal that is a FIFO is refused at once', async () => {
    const folder = await writeFolder({ '0000_init': 'select 1;' });
    const path = join(folder, 'meta', '_journal.json');
    await rm(path);
    await makeFifo(path);
    const error = await errorOf(readMigrationFolder('catalog', folder));
    expect(error.message).toContain(`${path} is a FIFO, not a file`);
  });

  test.each([
    ['a FIFO', makeFifo, 'is a FIFO, not a file'],
    ['JSON of something else', (path: string) => writeFile(path, '{"a":1}'), 'is not a snapshot'],
    ['null', (path: string) => writeFile(path, 'null'), 'is not a snapshot'],
  ])('a snapshot that is %s is named', async (_, make, message) => {
    const folder = await writeFolder({ '0000_init': 'create table "public"."a" ();' });
    const path = join(folder, 'meta', '0000_snapshot.json');
    await make(path);
    const files = await readMigrationFolder('catalog', folder);
    const error = await errorOf(Promise.all(files.map(ownNames)));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'catalog' });
    expect(error.message).toContain(`${path} ${message}`);
  });

  test('a byte order mark is no part of JSON, and of SQL it is hashed as Drizzle does', async () => {
    const folder = await writeFolder({ '0000_init': '\uFEFFcreate table "public"."a" ();' });
    const [drizzles] = readMigrationFiles({ migrationsFolder: folder });
    const journal = join(folder, 'meta', '_journal.json');
    const entries = [{ idx: 0, when: 1_700_000_000_000, tag: '0000_init' }];
    await writeFile(journal, `\uFEFF${JSON.stringify({ dialect: 'postgresql', entries })}`);
    await writeFile(
      join(folder, 'meta', '0000_snapshot.json'),
      `\uFEFF${JSON.stringify({ tables: { 'public.a': {} } })}`,
    );
    const files = await readMigrationFolder('catalog', folder);
    expect(files[0]?.hash).toBe(drizzles?.hash);
    expect(await Promise.all(files.map(ownNames))).toEqual([new Set(['a'])]);
  });
});

test('snapshots are read from the newest on, and no further than the names need', async () => {
  const folder = await writeFolder({ '0000_a': 'select 1;', '0001_b': 'select 2;' });
  const snapshot = (number: string) => join(folder, 'meta', `${number}_snapshot.json`);
  await writeFile(snapshot('0000'), '<<<<<<< HEAD');
  await writeFile(snapshot('0001'), JSON.stringify({ tables: { 'public.b': {} } }));
  const files = await readMigrationFolder('catalog', folder);
  const { snapshots } = files[0] ?? {};
  expect(await snapshots?.ownAmong(new Set(['b']))).toEqual(new Set(['b']));

  const unknown = errorOf(Promise.resolve(snapshots?.ownAmong(new Set(['b', 'of_the_host']))));
  const known = snapshots?.ownAmong(new Set(['b']));
  expect((await unknown).message).toContain(`${snapshot('0000')} is not JSON`);
  expect(await known).toEqual(new Set(['b']));
  await writeFile(snapshot('0000'), JSON.stringify({ tables: { 'public.a': {} } }));
  expect(await snapshots?.ownAmong(new Set(['a', 'of_the_host']))).toEqual(new Set(['a']));
});
