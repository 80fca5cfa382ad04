import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { describe, expect, test } from 'vitest';
import { BootError } from '../../src/core/errors.ts';
import { readMigrationFolder } from '../../src/postgres/migration-files.ts';
import { errorOf, firstWhen, writeFolder } from './migration-fixture.ts';

test('a folder gives its files with the hash and the time that Drizzle would write', async () => {
  const folder = await writeFolder({
    '0000_init': 'select 1;',
    '0001_größe': 'select 2; -- 😀\r\n',
  });
  const { files } = await readMigrationFolder('catalog', folder);

  expect(files[0]).toEqual({
    name: '0000_init.sql',
    tag: '0000_init',
    when: firstWhen,
    hash: createHash('sha256').update('select 1;').digest('hex'),
    text: 'select 1;',
  });
  const drizzles = readMigrationFiles({ migrationsFolder: folder });
  expect(files.map(({ hash, when }) => ({ hash, when }))).toEqual(
    drizzles.map(({ hash, folderMillis }) => ({ hash, when: folderMillis })),
  );
});

test('a journal without entries is nothing to do', async () => {
  expect((await readMigrationFolder('catalog', await writeFolder({}))).files).toEqual([]);
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
  const { files } = await readMigrationFolder('catalog', folder);
  expect(files[0]?.snapshotNames).toEqual(new Set(['a', 'status', 's', 'v', 'a_idx']));
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
      'one time twice',
      entries(one, { tag: '0001_b', when: 1 }),
      /0000_init and 0001_b have the same/,
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
    const error = await errorOf(readMigrationFolder('catalog', folder));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID', plugin: 'catalog' });
    expect(error.message).toMatch(/a snapshot in .* cannot be read/);
  });

  test('a file instead of a folder', async () => {
    const folder = await writeFolder({ '0000_init': 'select 1' });
    const error = await errorOf(readMigrationFolder('catalog', join(folder, '0000_init.sql')));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
    expect(error.message).toMatch(/is no folder/);
  });
});
