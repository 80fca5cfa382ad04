import { describe, expect, test } from 'vitest';
import { createRepair, sqlFiles, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { stateOf, thrice } from '../support/repairs.ts';
import {
  journalFolder,
  plainFolder,
  whenOf,
  type TimedFiles,
} from '../support/squashed-folders.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

const old: TimedFiles = {
  '0000_a': [0, 'CREATE TABLE a (id int);'],
  '0001_b': [1, 'CREATE TABLE b (id int);'],
};
const newer: TimedFiles = { '0002_c': [2, 'CREATE TABLE c (id int);'] };

const drizzle = async (pool: string, files: TimedFiles): Promise<BootOptions> => {
  return { pool, plugins: [{ id: 'p', migrations: await journalFolder(files) }] };
};
const plain = async (pool: string, files: TimedFiles): Promise<BootOptions> => {
  const texts = Object.entries(files).map(([tag, [, sql]]) => [tag, sql] as const);
  const migrations = sqlFiles(await plainFolder(Object.fromEntries(texts)));
  return { pool, plugins: [{ id: 'p', migrations }] };
};

async function start(options: BootOptions) {
  const { boot } = bootUnderTest(options);
  const report = await boot.start();
  await boot.stop();
  return report;
}

describe.each([
  ['with names', plain, ['0000_a', '0001_b']],
  ['without names', drizzle, [0, 1].map((second) => `created_at ${whenOf(second)}`)],
] as const)('forget, in a history %s', (_, release, names) => {
  test('deletes the rows that the folder lacks, and an older release does not run these files again', async () => {
    const fresh = await db.fresh();
    await start(await release(fresh.url, { ...old, ...newer }));
    const options = await release(fresh.url, newer);
    const [ahead] = (await start(options)).warnings;
    expect(ahead?.code).toBe('MIGRATION_DATABASE_AHEAD');
    const repair = createRepair(options);
    const report = await thrice(fresh, (dryRun) => repair.forget('p', { dryRun }));
    expect(report).toMatchObject({
      repair: 'forget',
      changes: names.map((name) => {
        return { kind: 'row', name, change: 'deleted from the history; nothing else changes' };
      }),
      statements: [
        expect.stringMatching(/^delete from "plugin_p"."__drizzle_migrations" where/),
        expect.stringMatching(/^comment on table "plugin_p"."__drizzle_migrations" is/),
      ],
    });
    expect((await start(options)).warnings).toEqual([]);
    const { boot } = bootUnderTest(await release(fresh.url, { ...old, ...newer }));
    expect((await failureOf(boot.start())).problems).toMatchObject([
      {
        code: 'MIGRATION_HISTORY_UNKNOWN',
        message: expect.stringContaining('repair.forget() has deleted the rows'),
        hint: expect.stringContaining('"plugin_p"."__drizzle_migrations"'),
      },
    ]);
  });

  test('deletes named rows only', async () => {
    const fresh = await db.fresh();
    await start(await release(fresh.url, { ...old, ...newer }));
    const repair = createRepair(await release(fresh.url, newer));
    const [first] = names;
    const { changes } = await repair.forget('p', { rows: [first, first] });
    expect(changes.map(({ name }) => name)).toEqual([first]);
    const { rows } = await fresh.query('SELECT FROM plugin_p.__drizzle_migrations');
    expect(rows).toHaveLength(2);
  });

  test('refuses rows that a file matches, rows that are not there, and a folder of which nothing is applied', async () => {
    const fresh = await db.fresh();
    await start(await release(fresh.url, { ...old, ...newer }));
    const before = await stateOf(fresh);
    const repair = createRepair(await release(fresh.url, newer));
    await expect(repair.forget('p', { rows: ['0002_c.sql'] })).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringContaining('is the row of 0002_c.sql, which is in the folder'),
    });
    await expect(repair.forget('p', { rows: [names[0], '0009_z'] })).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringContaining('has no row 0009_z that the folder lacks'),
      hint: expect.stringContaining(names[1]),
    });
    await expect(repair.forget('p', { rows: [] })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
    });
    const others = { '0007_other': [7, 'CREATE TABLE z (id int);'] } as const;
    await expect(createRepair(await release(fresh.url, others)).forget('p')).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringContaining('no file of its folder is applied'),
    });
    expect(await stateOf(fresh)).toEqual(before);
  });

  test('leaves the rows of a squash file that is pending to the boot', async () => {
    const fresh = await db.fresh();
    await start(await release(fresh.url, { ...old, ...newer }));
    const sql = '-- slipway: replaces 0000_a..0001_b\nSELECT 1;';
    const squash = { '0001_b_squash': [1.5, sql] } as const;
    const options = await release(fresh.url, { ...squash, ...newer });
    await expect(createRepair(options).forget('p')).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringContaining('0001_b_squash.sql replaces rows of its history'),
    });
    await start(options);
    expect(await createRepair(options).forget('p')).toMatchObject({ changes: [] });
  });
});

test('files whose rows were forgotten can be marked as applied', async () => {
  const fresh = await db.fresh();
  await start(await drizzle(fresh.url, { ...old, ...newer }));
  await createRepair(await drizzle(fresh.url, newer)).forget('p');
  const options = await drizzle(fresh.url, { ...old, ...newer });
  await createRepair(options).markApplied('p', ['0000_a', '0001_b']);
  expect((await start(options)).plugins[0]?.applied).toEqual([]);
});

test('a database that is ahead names the call only where the rows are older than an applied file', async () => {
  const fresh = await db.fresh();
  await start(await drizzle(fresh.url, { ...old, ...newer }));
  const hints = async (files: TimedFiles): Promise<unknown> =>
    (await start(await drizzle(fresh.url, files))).warnings.map(({ hint }) => hint);
  expect(await hints(newer)).toEqual([expect.stringContaining("repair.forget('p')")]);
  expect(await hints(old)).toEqual([expect.not.stringContaining('forget')]);
});

test.skipIf(!pgbouncer)('forget works through a pooler in transaction mode', async () => {
  const fresh = await db.fresh();
  const pooled = (await startPgBouncer({ mode: 'transaction' })).through(fresh.url);
  await start(await drizzle(fresh.url, { ...old, ...newer }));
  const { changes } = await createRepair(await drizzle(pooled, newer)).forget('p');
  expect(changes).toHaveLength(2);
});
