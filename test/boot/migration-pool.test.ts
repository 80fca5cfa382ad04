import { describe, expect, test } from 'vitest';
import { coreServices, definePlugin, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { applicationNames } from '../support/server-sessions.ts';
import { counters, expectNothingLeft } from './pooled-plugins.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

/** A database and a pooler of two server sessions in front of it. */
async function startPooled(mode: 'transaction' | 'session' = 'transaction') {
  const database = await db.fresh();
  const pooler = await startPgBouncer({ mode });
  return { database, pooled: pooler.through(database.url) };
}

const locking = definePlugin({
  id: 'locking',
  deps: { locks: coreServices.advisoryLock },
  init: ({ locks }) => locks.withLock('k', () => undefined),
});

describe.skipIf(!pgbouncer)('files that need a session of their own', () => {
  const withIndex = async (): Promise<Plugin[]> => [
    ...(await counters('a')),
    {
      id: 'b',
      migrations: await migrationFolder({
        '0000_init': 'create table t (id int);',
        '0001_index': 'create index concurrently t_id on t (id);',
        '0002_set': 'set statement_timeout = 0; alter table t add x int;',
      }),
    },
  ];

  test('are refused behind a transaction pooler before anything is changed', async () => {
    const { database, pooled } = await startPooled();
    const { boot } = bootUnderTest({ pool: pooled, plugins: await withIndex() });
    const { problems } = await boot.plan();
    const failure = await failureOf(boot.start());
    expect(failure).toMatchObject({ code: 'PLAN_INVALID', problems });
    expect(problems).toMatchObject(
      ['0001_index.sql', '0002_set.sql'].map((file) => {
        const hint: unknown = expect.stringContaining('migrationPool');
        return { code: 'POOLER_UNSUPPORTED', plugin: 'b', file, hint };
      }),
    );
    expect(await schemasOf(database)).toEqual([]);
  });

  test('are applied over a migrationPool that goes past the pooler, as is all the rest', async () => {
    const { database, pooled } = await startPooled();
    const { boot } = bootUnderTest({
      pool: pooled,
      migrationPool: database.url,
      registry: true,
      plugins: [...(await withIndex()), locking],
    });
    expect((await boot.plan()).problems).toEqual([]);
    const report = await boot.start();
    expect(report).toMatchObject({ outcome: 'ready', database: { pooler: false }, warnings: [] });
    expect(await isValid(database, 'plugin_b.t_id')).toBe(true);
  });

  test('end a migrationPool that Slipway made with the boot', async () => {
    const { database, pooled } = await startPooled();
    const plugins = await counters('a');
    const migrationPool = { connectionString: database.url, application_name: 'past the pooler' };
    await bootUnderTest({ pool: pooled, plugins }).boot.migrate();
    // With nothing pending, the client of the survey goes back and stays in its pool.
    const { boot } = bootUnderTest({ pool: pooled, migrationPool, plugins });
    await boot.start();
    expect(await applicationNames(database)).toContain('past the pooler');
    await boot.stop();
    // A backend takes a moment to leave; an idle client would stay for ten seconds.
    await expect
      .poll(() => applicationNames(database), { timeout: 5_000 })
      .not.toContain('past the pooler');
  });

  test('leave a migrationPool that was given to whoever gave it', async () => {
    const { database, pooled } = await startPooled();
    const migrationPool = database.pool({ max: 1 });
    const { boot } = bootUnderTest({ pool: pooled, migrationPool, plugins: await withIndex() });
    await boot.start();
    await boot.stop();
    expect(migrationPool.ended).toBe(false);
    expect((await migrationPool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('are no safer on a migrationPool that goes through a pooler itself', async () => {
    const { database, pooled } = await startPooled();
    const plugins = await withIndex();
    const { boot } = bootUnderTest({ pool: database.url, migrationPool: pooled, plugins });
    const { problems } = await failureOf(boot.start());
    expect(problems?.map(({ code }) => code)).toEqual(['POOLER_UNSUPPORTED', 'POOLER_UNSUPPORTED']);
  });

  test('an advisory lock without migrationPool is one of them', async () => {
    const { database, pooled } = await startPooled();
    const { boot } = bootUnderTest({ pool: pooled, plugins: [locking] });
    const { cause } = await failureOf(boot.start());
    expect(cause).toMatchObject({
      code: 'POOLER_UNSUPPORTED',
      hint: expect.stringContaining('migrationPool') as unknown,
    });
    await expectNothingLeft(database, pooled);
  });

  test('are applied through a pooler that keeps sessions, when it is told', async () => {
    const { database, pooled } = await startPooled('session');
    const { boot } = bootUnderTest({
      // Locks have a session too, and more clients than the pooler has sessions for would wait for each other.
      pool: { connectionString: pooled, max: 1 },
      pooler: 'session',
      plugins: [...(await withIndex()), locking],
    });
    const report = await boot.start();
    expect(report).toMatchObject({ outcome: 'ready', database: { pooler: true } });
    expect(await isValid(database, 'plugin_b.t_id')).toBe(true);
    await boot.stop();
    await expectNothingLeft(database, pooled);
  });
});

async function schemasOf({ query }: Database): Promise<readonly unknown[]> {
  return (await query(`select nspname from pg_namespace where nspname ~ '^(plugin_|slipway)'`))
    .rows;
}

async function isValid({ query }: Database, index: string): Promise<boolean | undefined> {
  const { rows } = await query<{ indisvalid: boolean }>(
    `select indisvalid from pg_index where indexrelid = '${index}'::regclass`,
  );
  return rows[0]?.indisvalid;
}
