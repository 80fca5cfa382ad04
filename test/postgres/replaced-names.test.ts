import { expect, test } from 'vitest';
import { sqlFiles, type BootError } from '../../src/index.ts';
import { readMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { isSql } from '../../src/postgres/sources/migration.ts';
import { plainFolder } from '../support/squashed-folders.ts';

const sql = 'CREATE TABLE a (id int);';

async function read(files: Readonly<Record<string, string>>) {
  const found = await readMigrations('shop', sqlFiles(await plainFolder(files)));
  return found.map((file) => isSql(file) && file.replaces);
}

async function refusal(files: Readonly<Record<string, string>>): Promise<string> {
  const error = (await read(files).then(
    (found) => new Error(JSON.stringify(found)),
    (thrown: unknown) => thrown,
  )) as BootError;
  expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
  return `${error.message} → ${error.hint}`;
}

test.each([
  ['-- slipway: replaces 0000_init..0099_last', [{ from: '0000_init', to: '0099_last' }]],
  ['-- slipway: replaces 0000_init.sql..0099_last.sql', [{ from: '0000_init', to: '0099_last' }]],
  ['--slipway:  REPLACES  0000_init .. 0099_last  ', [{ from: '0000_init', to: '0099_last' }]],
  ['-- slipway: replaces 0001_a..0099_z (87 files)', [{ from: '0001_a', to: '0099_z', count: 87 }]],
  ['-- slipway: replaces init', [{ from: 'init', to: 'init' }]],
  [
    '-- made by hand\n/* once */\n-- slipway: replaces 0000_a..0009_b\r\n-- slipway: allow-outside\n-- slipway: replaces 0011_c',
    [
      { from: '0000_a', to: '0009_b' },
      { from: '0011_c', to: '0011_c' },
    ],
  ],
  ['\uFEFF-- slipway: replaces 20240101000000_a..20240201000000_b/migration.sql', undefined],
] as const)('%j is read', async (line, ranges) => {
  const tag = ranges === undefined ? '20250101000000_squash' : '0100_squash';
  expect(await read({ [tag]: `${line}\n${sql}` })).toEqual([
    ranges ?? [{ from: '20240101000000_a', to: '20240201000000_b' }],
  ]);
});

test('a long file is read for its first lines only', async () => {
  const rows = 'INSERT INTO a VALUES (1);\n'.repeat(60_000);
  expect(await read({ '0100_squash': `-- slipway: replaces 0000_a..0001_b\n${rows}` })).toEqual([
    [{ from: '0000_a', to: '0001_b' }],
  ]);
});

test('a line behind SQL, in a literal or in a body is none', async () => {
  const line = '-- slipway: replaces 0000_a..0001_b';
  expect(
    await read({
      '0100_a': `${sql}\n${line}`,
      '0101_b': `SELECT '\n${line}\n';`,
      '0102_c': `DO $$\n${line}\nBEGIN END $$;`,
      '0103_d': `/*\n${line}\n*/ SELECT 1;`,
    }),
  ).toEqual([undefined, undefined, undefined, undefined]);
});

test.each([
  ['names nothing', '-- slipway: replaces', 'names no migrations'],
  ['has only one end', '-- slipway: replaces ..0099_z', 'names no migrations'],
  ['has only the other end', '-- slipway: replaces 0000_a..', 'names no migrations'],
  ['has three ends', '-- slipway: replaces 0000_a..0001_b..0002_c', 'names no migrations'],
  ['counts to zero', '-- slipway: replaces 0000_a..0001_b (0 files)', 'replaces 0 files'],
  ['is backwards', '-- slipway: replaces 0099_z..0000_a', 'Write 0000_a..0099_z'],
  ['has no numbers', '-- slipway: replaces init..last', 'Write a line for each name'],
  ['has numbers of two kinds', '-- slipway: replaces 0001_a..V2__b', 'no numbers of one kind'],
  ['is there twice', '-- slipway: replaces 0000_a\n-- slipway: replaces 0000_a', 'its other line'],
  [
    'overlaps',
    '-- slipway: replaces 0000_a..0010_b\n-- slipway: replaces 0005_c..0020_d',
    'replaces 0005_c..0020_d, and its other line replaces 0000_a..0010_b',
  ],
  ['names itself', '-- slipway: replaces 0100_squash', 'does not come after it'],
  ['has it inside', '-- slipway: replaces 0000_a..0200_b', 'such as 0200_b_squash'],
  ['comes later', '-- slipway: replaces 0150_a..0200_b', 'does not come after it'],
])('a directive that %s is a problem', async (_, lines, message) => {
  expect(await refusal({ '0100_squash': `${lines}\n${sql}` })).toContain(message);
});

test('a replaced file that is still in the folder is a problem that names both', async () => {
  const squash = { '0100_squash': `-- slipway: replaces 0000_a..0099_z\n${sql}` };
  expect(await refusal({ '0050_left': sql, ...squash })).toMatch(
    /0100_squash\.sql replaces 0000_a\.\.0099_z, and the folder still has 0050_left\.sql/,
  );
});

test('two files that replace the same one are a problem', async () => {
  expect(
    await refusal({
      '0100_squash': `-- slipway: replaces 0000_a..0099_z\n${sql}`,
      '0200_again': `-- slipway: replaces 0090_b..0099_z\n${sql}`,
    }),
  ).toContain('0200_again.sql replaces 0090_b..0099_z, and 0100_squash.sql replaces');
});
