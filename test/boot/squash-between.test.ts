import { expect, test } from 'vitest';
import { createRepair, sqlFiles, type MigrationSource } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { timestampFolder } from '../support/migration-folder.ts';
import { journalFolder, plainFolder, type TimedFiles } from '../support/squashed-folders.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

async function start({ url: pool }: Database, migrations: MigrationSource) {
  const { boot } = bootUnderTest({ pool, plugins: [{ id: 'p', migrations }] });
  const { plugins, warnings } = await boot.start();
  await boot.stop();
  return { applied: plugins.flatMap(({ applied }) => applied ?? []), warnings };
}

/** The error, or the problems in it, as text. */
async function refusal({ url: pool }: Database, migrations: MigrationSource): Promise<string> {
  const { boot } = bootUnderTest({ pool, plugins: [{ id: 'p', migrations }] });
  const { message, problems = [] } = await failureOf(boot.start());
  return [message, ...problems.map((each) => each.message)].join('\n');
}

const plain = async (files: Readonly<Record<string, string>>) => sqlFiles(await plainFolder(files));
const toolFiles = async (
  format: 'goose' | 'node-pg-migrate',
  files: Readonly<Record<string, string>>,
) => sqlFiles(await plainFolder(files), { format });

/** Counts how often it has run. */
const run = (...names: readonly string[]): string =>
  `CREATE TABLE IF NOT EXISTS runs (name text);\n${names.map((name) => `INSERT INTO runs VALUES ('${name}');`).join('\n')}\n`;
const runs = async ({ query }: Database): Promise<string> => {
  const { rows } = await query<{ name: string }>('SELECT name FROM plugin_p.runs ORDER BY name');
  return rows.map(({ name }) => name).join(' ');
};

const drizzle: TimedFiles = { '0000_a': [0, run('a')], '0001_b': [60, run('b')] };
const isFirst = [true, false];

test.each(isFirst)(
  'a range of times leaves the files of another folder alone (Drizzle first: %s)',
  async (drizzleFirst) => {
    const fresh = await db.fresh();
    const folder = await journalFolder(drizzle);
    const listed = (files: MigrationSource) =>
      (drizzleFirst ? [folder, files] : [files, folder]) as MigrationSource;
    const [first, last] = ['20231114221300_x', '20231114221500_y'];
    await start(fresh, listed(await plain({ [first]: run('x'), [last]: run('y') })));
    const squash = `-- slipway: replaces ${first}..${last} (2 files)\n${run('x', 'y')}`;
    expect(await refusal(fresh, listed(await plain({ [`${last}_squash`]: squash })))).toContain(
      'the folder still has 0000_a.sql',
    );
    expect(await runs(fresh)).toBe('a b x y');

    const lines = `-- slipway: replaces ${first}\n-- slipway: replaces ${last}\n${run('x', 'y')}`;
    const squashed = listed(await plain({ [`${last}_squash`]: lines }));
    expect(await start(fresh, squashed)).toMatchObject({ warnings: [] });
    expect(await start(fresh, squashed)).toEqual({ applied: [], warnings: [] });
    expect(await runs(fresh)).toBe('a b x y');
  },
);

test('a folder of Drizzle 0.x behind another source is squashed, and its older release is stopped', async () => {
  const fresh = await db.fresh();
  const others = await plain({ x: run('x') });
  await start(fresh, [others, await journalFolder(drizzle)]);
  const squash = `-- slipway: replaces 0000_a..0001_b\n${run('a', 'b')}`;
  await start(fresh, [others, await journalFolder({ '0002_squash': [61, squash] })]);
  expect(await refusal(fresh, [others, await journalFolder(drizzle)])).toContain(
    'older than the database: 0002_squash has replaced 0000_a.sql, 0001_b.sql',
  );
  expect(await runs(fresh)).toBe('a b x');
});

test('an older release with a folder of 0.x is stopped when the squash has the names of 1.x', async () => {
  const fresh = await db.fresh();
  const old = await journalFolder({ ...drizzle, '0002_c': [120, run('c')] });
  await start(fresh, old);
  const squash = `-- slipway: replaces 20231114221320_a..20231114221420_b (2 files)\n${run('a', 'b')}`;
  const squashed = await timestampFolder({
    '20231114221421_squash': squash,
    '20231114221520_c': run('c'),
  });
  expect(await start(fresh, squashed)).toMatchObject({ warnings: [] });
  expect(await refusal(fresh, old)).toContain('has replaced 0000_a.sql, 0001_b.sql');
  expect(await runs(fresh)).toBe('a b c');
});

test.each(['2_b', '2_b.up.sql', '2_b.up.sql..2_b_more.up.sql (2 files)'])(
  'a squash of node-pg-migrate finds %s, and stops its older release, whose files end with .up',
  async (names) => {
    const fresh = await db.fresh();
    const kept = { '1_a.down': '', '3_c.down': '', '1_a.up': run('a'), '3_c.up': run('c') };
    const files = { ...kept, '2_b.up': run('b'), '2_b.down': '' };
    const more = names.includes('more') ? { '2_b_more.up': run('d'), '2_b_more.down': '' } : {};
    const old = await toolFiles('node-pg-migrate', { ...files, ...more });
    await start(fresh, old);
    const before = await runs(fresh);
    const squash = `-- slipway: replaces ${names}\n${run('b', 'd')}`;
    const squashed = { ...kept, '2_squash.up': squash, '2_squash.down': '' };
    await start(fresh, await toolFiles('node-pg-migrate', squashed));
    expect(await runs(fresh)).toBe(before);
    expect(await refusal(fresh, old)).toContain('2_b.up.sql there');
    expect(await runs(fresh)).toBe(before);
  },
);

test('a squash file that stopped between two commands keeps the older release from running', async () => {
  const fresh = await db.fresh();
  const old = await plain({ '0000_a': run('a'), '0001_b': run('b') });
  const squash = (last: string) =>
    plain({
      '0002_squash': `-- slipway: replaces 0000_a..0001_b\n-- slipway: no-transaction\n${run('a', 'b')}
        CREATE INDEX CONCURRENTLY runs_name ON runs (name);\n${last};`,
    });
  expect(await refusal(fresh, await squash('SELECT 1/0'))).toContain('division by zero');
  expect(await refusal(fresh, old)).toContain('0002_squash has replaced 0000_a.sql, 0001_b.sql');
  expect(await start(fresh, await squash('SELECT 1'))).toEqual({
    applied: ['0002_squash.sql'],
    warnings: [],
  });
  expect(await runs(fresh)).toBe('a b');
  expect(await refusal(fresh, old)).toContain('0002_squash has replaced 0000_a.sql, 0001_b.sql');
});

test('a squash file that had begun forgets its commands when an older release has marked its files as applied', async () => {
  const fresh = await db.fresh();
  const old = await plain({ '0000_a': run('a'), '0001_b': run('b') });
  const squash = `-- slipway: replaces 0000_a..0001_b\n-- slipway: no-transaction\n${run('a', 'b')}`;
  await refusal(fresh, await plain({ '0002_squash': `${squash}SELECT 1/0;` }));
  const plugins = [{ id: 'p', migrations: old }];
  await createRepair({ pool: fresh.url, plugins }).baseline('p', { upTo: '0001_b' });
  const next = `-- slipway: no-transaction\n${run('c')}SELECT 1;`;
  const files = { '0002_squash': `${squash}SELECT 1;`, '0003_c': next };
  expect(await start(fresh, await plain(files))).toMatchObject({
    applied: ['0002_squash.sql', '0003_c.sql'],
  });
  expect(await runs(fresh)).toBe('a b c');
  const { rows } = await fresh.query(
    `SELECT to_regclass('plugin_p.__slipway_unfinished') AS unfinished`,
  );
  expect(rows).toEqual([{ unfinished: null }]);
});

test('a squash file does not take the place of a file that is unfinished', async () => {
  const fresh = await db.fresh();
  const kept = { '20240101000000_a': run('a'), '20240101000002_c': run('c') };
  const index = (last: string) => ({
    ...kept,
    '20240101000001_b': `-- slipway: no-transaction\n${run('b')}${last};`,
  });
  await start(fresh, await plain(kept));
  expect(await refusal(fresh, await plain(index('SELECT 1/0')))).toContain('division by zero');
  const squash = `-- slipway: replaces 20240101000000_a..20240101000002_c\n${run('a', 'b', 'c')}`;
  const squashed = await plain({ '20240101000003_squash': squash });
  expect(await refusal(fresh, squashed)).toContain(
    'replaces 20240101000001_b, of which only a part has run',
  );
  await start(fresh, await plain(index('SELECT 1')));
  expect(await start(fresh, squashed)).toMatchObject({ warnings: [] });
  expect(await runs(fresh)).toBe('a b c');
});

test('a line of Slipway before the first mark of another tool is refused, not ignored', async () => {
  const fresh = await db.fresh();
  await start(fresh, await toolFiles('goose', { '1_a': `-- +goose Up\n${run('a')}` }));
  const before = `-- slipway: replaces 1_a\n-- +goose Up\n${run('a')}SELECT 1;`;
  const behind = `-- +goose Up\n-- slipway: replaces 1_a\n${run('a')}SELECT 1;`;
  expect(await refusal(fresh, await toolFiles('goose', { '2_squash': before }))).toContain(
    '2_squash.sql has "-- slipway:" before its first mark',
  );
  await start(fresh, await toolFiles('goose', { '2_squash': behind }));
  expect(await runs(fresh)).toBe('a');
});

test('a repeatable file replaces nothing', async () => {
  const fresh = await db.fresh();
  const views = await plainFolder({ view: `-- slipway: replaces 0001_b\nSELECT 1;` });
  const listed = [await plain({ '0000_a': run('a') }), sqlFiles(views, { repeatable: true })];
  expect(await refusal(fresh, listed)).toContain(
    'view.sql replaces other files, and is repeatable',
  );
});

test('a line that stands too far down to be found is refused, not ignored', async () => {
  const fresh = await db.fresh();
  const before = `${'-- a license\n'.repeat(6_000)}-- slipway: replaces 0000_a\n`;
  const files = await plain({ '0001_squash': before + run('a') });
  expect(await refusal(fresh, files)).toContain('behind more than 64 KB of comments');
});
