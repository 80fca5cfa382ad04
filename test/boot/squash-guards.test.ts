import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { drizzle as drizzle1 } from 'drizzle-orm-1/node-postgres';
import { migrate as migrate1 } from 'drizzle-orm-1/node-postgres/migrator';
import { describe, expect, test } from 'vitest';
import { createRepair, sqlFiles, type BootOptions } from '../../src/index.ts';
import { toError } from '../../src/core/error-record.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { timestampFolder } from '../support/migration-folder.ts';
import {
  journalFolder,
  newer,
  old,
  plainFolder,
  squash,
  type TimedFiles,
} from '../support/squashed-folders.ts';
import { startTurnstile } from '../support/turnstile.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

async function start(url: string, files: TimedFiles, options: Partial<BootOptions> = {}) {
  const plugins = [{ id: 'p', migrations: await journalFolder(files) }];
  const { boot, recording } = bootUnderTest({ pool: url, plugins, ...options });
  const report = await boot.start();
  await boot.stop();
  return { report, recording };
}

async function refusal(url: string, files: TimedFiles, options: Partial<BootOptions> = {}) {
  const plugins = [{ id: 'p', migrations: await journalFolder(files) }];
  const { boot } = bootUnderTest({ pool: url, plugins, ...options });
  return (await failureOf(boot.start())).problems;
}

const stateOf = async ({ query }: Pick<Database, 'query'>): Promise<unknown> =>
  (
    await query(
      'SELECT (SELECT count(*)::int FROM plugin_p.__drizzle_migrations) AS rows, (SELECT runs FROM plugin_p.counter) AS runs',
    )
  ).rows[0];

describe('under the lock the history is judged again', () => {
  /** Holds a boot of the one release behind its survey, runs the other one, and returns how the first one ends. */
  async function overtaken(fresh: Database, held: TimedFiles, other: TimedFiles) {
    await using turnstile = await startTurnstile(fresh.url);
    const plugins = [{ id: 'p', migrations: await journalFolder(held) }];
    const { boot, recording } = bootUnderTest({ pool: turnstile.url, plugins });
    let request = 0;
    for (;;) {
      // The request behind the survey takes the lock.
      request += 1;
      const standing = turnstile.stopAt({ request, when: 'before' });
      const ending = request === 1 ? boot.start().then(() => undefined, toError) : undefined;
      const stopped = await standing;
      ends ??= ending;
      if (stopped.request.includes('pg_try_advisory_lock')) {
        await start(fresh.url, other);
        stopped.release();
        const error = await ends;
        ends = undefined;
        return { error, applied: recording.of('plugin.migrate.applied') };
      }
      // Requests are counted anew.
      request = 0;
      stopped.release();
    }
  }
  let ends: Promise<Error | undefined> | undefined;

  test('an older release that has looked before the squash runs nothing', async () => {
    const fresh = await db.fresh();
    const { error, applied } = await overtaken(fresh, { ...old, ...newer }, squash);
    expect(error).toMatchObject({ code: 'MIGRATION_HISTORY_UNKNOWN' });
    expect(error?.message).toContain('older than the database: 0003_squash has replaced');
    expect(applied).toEqual([]);
    expect(await stateOf(fresh)).toEqual({ rows: 1, runs: 2 });
  });

  test('a squash file does not run when an older release was first, and takes its place', async () => {
    const fresh = await db.fresh();
    const { error, applied } = await overtaken(fresh, { ...squash, ...newer }, old);
    expect(error).toBeUndefined();
    expect(applied).toMatchObject([{ replaced: 3 }, { file: '0004_three.sql' }]);
    expect(await stateOf(fresh)).toEqual({ rows: 2, runs: 3 });
  });

  test('a squash file that meets a part of what it replaces changes nothing', async () => {
    const fresh = await db.fresh();
    const { '0002_two': _, ...part } = old;
    const { error, applied } = await overtaken(fresh, { ...squash, ...newer }, part);
    expect(error).toMatchObject({ code: 'MIGRATION_HISTORY_UNKNOWN' });
    expect(error?.message).toContain('0003_squash.sql replaces 0000_counter..0002_two');
    expect(applied).toEqual([]);
    expect(await stateOf(fresh)).toEqual({ rows: 2, runs: 1 });
  });
});

describe('a database that was squashed', () => {
  test('goes back to Drizzle 0.45, which runs only what is newer', async () => {
    const fresh = await db.fresh();
    await start(fresh.url, old);
    await start(fresh.url, squash);
    const migrationsFolder = await journalFolder({ ...squash, ...newer });
    const client = drizzle({ client: fresh.pool({ options: '-c search_path=plugin_p' }) });
    await migrate(client, { migrationsFolder, migrationsSchema: 'plugin_p' });
    expect(await stateOf(fresh)).toEqual({ rows: 2, runs: 3 });
    await start(fresh.url, { ...squash, ...newer });
    expect(await refusal(fresh.url, { ...old, ...newer })).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN' },
    ]);
  });

  test('goes back to Drizzle 1.0, also from a table of 0.x', async () => {
    const inTime = (text: string): string =>
      text.replaceAll(/\b000(\d)_/g, (_, second: string) => `2023111422132${second}_`);
    const folder = (files: TimedFiles) =>
      timestampFolder(
        Object.fromEntries(
          Object.entries(files).map(([tag, [, sql]]) => [inTime(tag), inTime(sql)] as const),
        ),
      );
    for (const before of [folder, journalFolder]) {
      const fresh = await db.fresh();
      const bootOf = async (migrations: string) => {
        const { boot } = bootUnderTest({ pool: fresh.url, plugins: [{ id: 'p', migrations }] });
        await boot.start();
        await boot.stop();
      };
      await bootOf(await before(old));
      await bootOf(await folder(squash));
      const migrationsFolder = await folder({ ...squash, ...newer });
      const client = drizzle1({ client: fresh.pool({ options: '-c search_path=plugin_p' }) });
      await migrate1(client, { migrationsFolder, migrationsSchema: 'plugin_p' });
      expect(await stateOf(fresh)).toEqual({ rows: 2, runs: 3 });
    }
  });

  test('goes back to the older release by a baseline, and forward again', async () => {
    const fresh = await db.fresh();
    await start(fresh.url, { ...old, ...newer });
    await start(fresh.url, { ...squash, ...newer });
    const [problem] = (await refusal(fresh.url, { ...old, ...newer })) ?? [];
    expect(problem?.hint).toContain("repair.baseline('p', { upTo: '0002_two.sql' })");
    const plugins = [{ id: 'p', migrations: await journalFolder({ ...old, ...newer }) }];
    await createRepair({ pool: fresh.url, plugins }).baseline('p', { upTo: '0002_two.sql' });
    const { report } = await start(fresh.url, { ...old, ...newer });
    expect(report.warnings).toMatchObject([{ code: 'MIGRATION_DATABASE_AHEAD' }]);
    await start(fresh.url, { ...squash, ...newer });
    expect(await stateOf(fresh)).toEqual({ rows: 5, runs: 3 });
  });

  test('keeps what was replaced when its schema gets another name', async () => {
    const fresh = await db.fresh();
    await start(fresh.url, { ...old, ...newer });
    await start(fresh.url, { ...squash, ...newer });
    const bootOf = async (files: TimedFiles) =>
      bootUnderTest({
        pool: fresh.url,
        plugins: [{ id: 'q', previousIds: ['p'], migrations: await journalFolder(files) }],
      }).boot;
    expect((await failureOf((await bootOf({ ...old, ...newer })).start())).problems).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN' },
    ]);
    await (await bootOf({ ...squash, ...newer })).start();
    expect((await failureOf((await bootOf({ ...old, ...newer })).start())).problems).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN' },
    ]);
  });

  test('is squashed once more, and every older release is stopped', async () => {
    const fresh = await db.fresh();
    await start(fresh.url, { ...old, ...newer });
    await start(fresh.url, { ...squash, ...newer });
    const last = { '0006_last': [9, 'UPDATE counter SET runs = runs + 1;'] } as const;
    await start(fresh.url, { ...squash, ...newer, ...last });
    const again = {
      '0005_again': [
        5,
        '-- slipway: replaces 0000_counter..0004_three\nCREATE TABLE counter (runs int); INSERT INTO counter VALUES (3);',
      ],
    } as const;
    const { recording } = await start(fresh.url, { ...again, ...last });
    expect(recording.of('plugin.migrate.applied')).toMatchObject([{ replaced: 2 }]);
    expect(await stateOf(fresh)).toEqual({ rows: 2, runs: 4 });
    for (const release of [old, squash]) {
      expect(await refusal(fresh.url, { ...release, ...newer, ...last })).toMatchObject([
        { code: 'MIGRATION_HISTORY_UNKNOWN' },
      ]);
    }
    // A fresh database is stopped in the same way.
    const other = await db.fresh();
    await start(other.url, { ...again, ...last });
    expect(await refusal(other.url, { ...old, ...newer, ...last })).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN' },
    ]);
  });
});

test('a plan, a report and the events say that the file is not run, and change nothing before', async () => {
  const fresh = await db.fresh();
  await start(fresh.url, { ...old, ...newer });
  const plugins = [{ id: 'p', migrations: await journalFolder({ ...squash, ...newer }) }];
  const { boot, recording } = bootUnderTest({ pool: fresh.url, plugins });
  const plan = await boot.plan();
  expect(plan.plugins[0]).toMatchObject({
    applied: ['0004_three.sql'],
    pending: [
      {
        file: '0003_squash.sql',
        replaces: [0, 1, 2].map((at) => `created_at ${1_700_000_000_123 + at * 1_000}`),
        statements: [],
        transaction: true,
      },
    ],
    warnings: [],
    problems: [],
  });
  expect(await stateOf(fresh)).toEqual({ rows: 4, runs: 3 });
  const report = await boot.start();
  expect(report.warnings).toEqual([]);
  expect(report.plugins[0]).toMatchObject({
    applied: ['0003_squash.sql'],
    replaced: [{ file: '0003_squash.sql', rows: 3 }],
  });
  expect(recording.of('plugin.migrate.executing')).toEqual([]);
  expect((await boot.plan()).plugins[0]).toMatchObject({ pending: [] });
});

test('with the mode verify the squash counts as pending, and an older release is a problem in every mode', async () => {
  const fresh = await db.fresh();
  await start(fresh.url, { ...old, ...newer });
  const verify = { migrations: { mode: 'verify' } } as const;
  expect(await refusal(fresh.url, { ...squash, ...newer }, verify)).toMatchObject([
    { code: 'MIGRATION_PENDING' },
  ]);
  await start(fresh.url, { ...squash, ...newer });
  for (const mode of ['verify', 'wait', 'apply'] as const) {
    expect(await refusal(fresh.url, { ...old, ...newer }, { migrations: { mode } })).toMatchObject([
      { code: 'MIGRATION_HISTORY_UNKNOWN' },
    ]);
  }
});

test('what a squash file would need to run is no problem where it does not run', async () => {
  const fresh = await db.fresh();
  const sql = `-- slipway: replaces 0000_counter..0002_two\n-- slipway: no-transaction\nCREATE EXTENSION no_such_extension;`;
  await start(fresh.url, old);
  await start(fresh.url, { '0003_squash': [3, sql] });
  expect(await stateOf(fresh)).toEqual({ rows: 1, runs: 2 });
  const empty = await db.fresh();
  expect((await refusal(empty.url, { '0003_squash': [3, sql] }))?.length).toBeGreaterThan(0);
});

test('a squash file outside of a transaction says what it replaces on an empty database too', async () => {
  const fresh = await db.fresh();
  const alone = {
    '0003_squash': [
      3,
      '-- slipway: replaces 0000_counter..0002_two\n-- slipway: no-transaction\nCREATE TABLE counter AS SELECT 2 AS runs;',
    ],
  } as const;
  await start(fresh.url, { ...alone, ...newer });
  expect(await refusal(fresh.url, { ...old, ...newer })).toMatchObject([
    { code: 'MIGRATION_HISTORY_UNKNOWN' },
  ]);
});

test('a squash file whose replaced rows were deleted by hand does not run', async () => {
  const fresh = await db.fresh();
  await start(fresh.url, { ...old, ...newer });
  await fresh.query(
    'DELETE FROM plugin_p.__drizzle_migrations WHERE created_at < (SELECT max(created_at) FROM plugin_p.__drizzle_migrations)',
  );
  expect(await refusal(fresh.url, { ...squash, ...newer })).toMatchObject([
    {
      code: 'MIGRATION_HISTORY_UNKNOWN',
      message: expect.stringContaining('the history has nothing of what it replaces'),
      hint: expect.stringContaining("repair.markApplied('p', ['0003_squash.sql'])"),
    },
  ]);
  const plugins = [{ id: 'p', migrations: await journalFolder({ ...squash, ...newer }) }];
  await createRepair({ pool: fresh.url, plugins }).markApplied('p', ['0003_squash.sql']);
  await start(fresh.url, { ...squash, ...newer });
  expect(await refusal(fresh.url, { ...old, ...newer })).toMatchObject([
    { code: 'MIGRATION_HISTORY_UNKNOWN', message: expect.stringContaining('older than') },
  ]);
});

test('a role that does not own the history is a problem before anything changes', async () => {
  const fresh = await db.fresh();
  await start(fresh.url, old);
  const role = `squash_${fresh.name.slice(-12)}`;
  await fresh.query(
    `CREATE ROLE ${role} LOGIN; GRANT ALL ON SCHEMA plugin_p TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA plugin_p TO ${role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA plugin_p TO ${role}`,
  );
  try {
    const url = new URL(fresh.url);
    url.username = role;
    expect(await refusal(url.href, squash)).toMatchObject([
      { code: 'DATABASE_PRIVILEGE', hint: expect.stringContaining('OWNER TO') },
    ]);
    expect(await stateOf(fresh)).toEqual({ rows: 3, runs: 2 });
  } finally {
    await fresh.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test('a line behind SQL, and a folder that still has a replaced file, are problems before anything changes', async () => {
  const { url } = await db.fresh();
  const plugins = [
    {
      id: 'a',
      migrations: sqlFiles(
        await plainFolder({ '0100_a': 'CREATE TABLE a (id int);\n-- slipway: replaces 0000_x' }),
      ),
    },
    {
      id: 'b',
      migrations: sqlFiles(
        await plainFolder({
          '0000_x': 'CREATE TABLE a (id int);',
          '0100_a': '-- slipway: replaces 0000_x',
        }),
      ),
    },
  ];
  const { boot } = bootUnderTest({ pool: url, plugins });
  const messages = (await failureOf(boot.start())).problems?.map(({ message }) => message);
  expect(messages).toEqual([
    'The migrations of b: 0100_a.sql replaces 0000_x, and the folder still has 0000_x.sql',
    'a: line 2 of 0100_a.sql has "-- slipway: replaces" behind SQL',
  ]);
});
