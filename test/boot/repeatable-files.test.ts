import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqlFiles, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder, writeMigrations } from '../support/migration-folder.ts';
import {
  fill,
  listWarnings,
  makeShop,
  migrateOnce,
  readRows,
  table,
  view,
} from './repeatable-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const migrated = (options: BootOptions): Promise<readonly string[]> =>
  migrateOnce(bootUnderTest(options).boot);
const warningsOf = (options: BootOptions): Promise<readonly string[]> =>
  listWarnings(bootUnderTest(options).boot);

/** A folder with a repeatable file of Flyway among the others, as it was; and the same with it in a folder of its own. */
async function flyway(before: string, after: string, name = 'R__views.sql') {
  const init = { 'V1__init.sql': table['0000_t'] };
  const one = await fill(await temporaryFolder(), { ...init, 'R__views.sql': before });
  const [versioned, views] = [
    await fill(await temporaryFolder(), init),
    await fill(await temporaryFolder(), { [name]: after }),
  ];
  const old: Plugin = { id: 'p', migrations: sqlFiles(one) };
  const now: Plugin = {
    id: 'p',
    migrations: [sqlFiles(versioned), sqlFiles(views, { repeatable: true })],
  };
  return { old, now, views };
}

describe('a repeatable file', () => {
  it.each([
    ['0.x', false],
    ['1.x', true],
  ])(
    'runs last, and again when its text has changed, with one row for all its runs: history of %s',
    async (_, hasNames) => {
      const fresh = await db.fresh();
      const { plugin, views } = await makeShop({ 'v.sql': view('id'), 'a.sql': 'SELECT 1;' });
      const early = sqlFiles(await fill(await temporaryFolder(), { '1.sql': 'SELECT 1;' }));
      const migrations = hasNames ? [early, ...plugin.migrations] : plugin.migrations;
      const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
      const once = hasNames ? ['1.sql', '0000_t.sql'] : ['0000_t.sql'];
      expect(await migrated(options)).toEqual([...once, 'a.sql', 'v.sql']);
      expect(await migrated(options)).toEqual([]);
      const before = await readRows(fresh);
      expect(before.map(({ repeatable }) => repeatable)).toEqual([
        ...once.map(() => false),
        true,
        true,
      ]);
      const appliedAt = `SELECT max(to_jsonb(h)->>'applied_at') AS at FROM plugin_p.__drizzle_migrations h`;
      const firstRun = (await fresh.query(appliedAt)).rows[0]?.['at'] as string | null;
      expect(firstRun === null).toBe(!hasNames);
      await writeFile(join(views, 'v.sql'), view('id, id + 1 AS more'));
      const plan = await bootUnderTest(options).boot.plan();
      expect(plan.plugins[0]?.pending).toMatchObject([
        { file: 'v.sql', transaction: true, repeats: true, statements: [{ line: 1 }] },
      ]);
      expect(await migrated(options)).toEqual(['v.sql']);
      expect(await migrated(options)).toEqual([]);
      expect((await fresh.query('SELECT * FROM plugin_p.v')).rows).toEqual([{ id: 7, more: 8 }]);
      const lastRun = (await fresh.query(appliedAt)).rows[0]?.['at'] as string | null;
      expect(lastRun === firstRun).toBe(!hasNames);
      const after = await readRows(fresh);
      expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
      expect(after.at(-1)).toEqual({
        ...before.at(-1),
        hash: expect.not.stringMatching(before.at(-1)?.hash ?? '') as string,
      });
    },
  );

  it('is not changed by other line ends, however long it is', async () => {
    const fresh = await db.fresh();
    const long = `-- ${'x'.repeat(97)}\n`.repeat(15_000) + view('id', 'w');
    const { plugin, views } = await makeShop({ 'v.sql': view('id'), 'w.sql': long });
    const options = { pool: fresh.url, plugins: [plugin] };
    expect(await migrated(options)).toEqual(['0000_t.sql', 'v.sql', 'w.sql']);
    for (const [name, text] of [
      ['v.sql', view('id')],
      ['w.sql', long],
    ] as const) {
      await writeFile(join(views, name), text.replaceAll('\n', '\r\n'));
    }
    expect(await migrated(options)).toEqual([]);
    await writeFile(join(views, 'w.sql'), `${long}-- and more`);
    expect(await migrated(options)).toEqual(['w.sql']);
  });

  it('that fails keeps what its last run has made, and runs again once it is right', async () => {
    const fresh = await db.fresh();
    const { plugin, views } = await makeShop({ 'v.sql': view('id') });
    const options = { pool: fresh.url, plugins: [plugin] };
    await migrated(options);
    const before = await readRows(fresh);
    const wrong = `DROP VIEW v;\n--> statement-breakpoint\n${view('nothing')}`;
    await writeFile(join(views, 'v.sql'), wrong);
    const error = await failureOf(bootUnderTest(options).boot.start());
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { file: 'v.sql', statement: 2, line: 4 },
    });
    expect(await readRows(fresh)).toEqual(before);
    expect((await fresh.query('SELECT * FROM plugin_p.v')).rows).toEqual([{ id: 7 }]);
    await writeFile(join(views, 'v.sql'), `DROP VIEW v;\n${view('id AS nothing')}`);
    expect(await migrated(options)).toEqual(['v.sql']);
  });

  it('that is gone leaves what it has made, and no release is behind because of it', async () => {
    const fresh = await db.fresh();
    const { plugin, views, folder } = await makeShop({
      'v.sql': view('id'),
      'w.sql': view('id', 'w'),
    });
    const options = { pool: fresh.url, plugins: [plugin] };
    await migrated(options);
    await rm(join(views, 'w.sql'));
    await writeFile(join(views, 'v.sql'), view('id, 1 AS one'));
    expect(await warningsOf(options)).toEqual([]);
    expect(await migrated(options)).toEqual(['v.sql']);
    const without = { pool: fresh.url, plugins: [{ id: 'p', migrations: folder }] };
    expect(await warningsOf(without)).toEqual([]);
    expect((await fresh.query('SELECT * FROM plugin_p.w')).rows).toEqual([{ id: 7 }]);
  });

  it('is never out of order, edited or moved', async () => {
    const fresh = await db.fresh();
    const { plugin, views, folder } = await makeShop({ 'v.sql': view('id') });
    const strict = { outOfOrder: 'error', edited: 'error', ahead: 'error' } as const;
    const options = { pool: fresh.url, plugins: [plugin], migrations: strict };
    await migrated(options);
    await writeMigrations(folder, { ...table, '0001_u': 'CREATE TABLE u (id int);' });
    await rename(join(views, 'v.sql'), join(views, 'renamed.sql'));
    await writeFile(join(views, 'v.sql'), view('id, 1 AS one'));
    expect(await migrated(options)).toEqual(['0001_u.sql', 'renamed.sql', 'v.sql']);
    await rm(join(views, 'v.sql'));
    await rm(join(views, 'renamed.sql'));
    await writeFile(join(views, 'first.sql'), 'SELECT 1;');
    expect(await migrated(options)).toEqual(['first.sql']);
  });

  it('may not be one that runs outside of a transaction', async () => {
    const fresh = await db.fresh();
    const { plugin } = await makeShop({
      'i.sql': 'CREATE INDEX CONCURRENTLY i ON t (id);',
      'n.sql': '-- slipway: no-transaction\nSELECT 1;',
    });
    const error = await failureOf(
      bootUnderTest({ pool: fresh.url, plugins: [plugin] }).boot.start(),
    );
    expect(error.problems).toMatchObject([
      { code: 'MIGRATION_FILES_INVALID', file: 'i.sql' },
      { code: 'MIGRATION_FILES_INVALID', file: 'n.sql' },
    ]);
    expect(error.problems?.[0]?.message).toBe(
      'p: i.sql is repeatable, and has to run outside of a transaction',
    );
    const { rows } = await fresh.query("SELECT FROM pg_namespace WHERE nspname = 'plugin_p'");
    expect(rows).toEqual([]);
  });
});

describe('a release that is behind the database', () => {
  it('does not put its texts back, and says so', async () => {
    const fresh = await db.fresh();
    const now = await makeShop(
      { 'v.sql': view('id, 2 AS two') },
      { ...table, '0001_u': 'CREATE TABLE u (id int);' },
    );
    const old = await makeShop({ 'v.sql': view('id'), 'w.sql': view('id', 'w') });
    const newer = { pool: fresh.url, plugins: [now.plugin] };
    const older = { pool: fresh.url, plugins: [old.plugin] };
    await migrated(newer);
    const rows = await readRows(fresh);
    expect(await migrated(older)).toEqual([]);
    expect(await warningsOf(older)).toEqual([
      'p: the database has 1 migration that the folder lacks: created_at 1700000001000',
      'p: v.sql, w.sql differ from their last run and are not run: the database is ahead of this release, whose text may be the older one',
    ]);
    const { boot } = bootUnderTest({ ...older, migrations: { mode: 'verify' } });
    await boot.start();
    const strict = { ...older, migrations: { ahead: 'error' } } as const;
    const error = await failureOf(bootUnderTest(strict).boot.start());
    expect(error.problems).toHaveLength(2);
    expect(await readRows(fresh)).toEqual(rows);
    expect(await migrated(newer)).toEqual([]);
  });

  it('has nothing to say of files with the same text', async () => {
    const fresh = await db.fresh();
    const more = { ...table, '0001_u': 'CREATE TABLE u (id int);' };
    const [now, old] = [
      await makeShop({ 'v.sql': view('id') }, more),
      await makeShop({ 'v.sql': view('id') }),
    ];
    await migrated({ pool: fresh.url, plugins: [now.plugin] });
    expect(await warningsOf({ pool: fresh.url, plugins: [old.plugin] })).toHaveLength(1);
  });
});

describe('a file that ran once in an earlier release', () => {
  it('counts as run with its old text, and does not put the database ahead', async () => {
    const fresh = await db.fresh();
    const { old, now, views } = await flyway(view('id'), view('id').replaceAll('\n', '\r\n'));
    const [older, newer] = [old, now].map((plugin) => ({ pool: fresh.url, plugins: [plugin] }));
    if (!older || !newer) throw new Error('no options');
    expect(await migrated(older)).toEqual(['V1__init.sql', 'R__views.sql']);
    expect(await warningsOf(newer)).toEqual([]);
    expect(await migrated(newer)).toEqual([]);
    await writeFile(join(views, 'R__views.sql'), view('id, 1 AS one'));
    expect((await bootUnderTest(newer).boot.plan()).plugins[0]?.pending).toMatchObject([
      { file: 'R__views.sql', repeats: true },
    ]);
    expect(await migrated(newer)).toEqual(['R__views.sql']);
    expect(await migrated(newer)).toEqual([]);
    expect(await warningsOf(newer)).toEqual([]);
    // The old release finds its row, and does not run it again.
    expect(await migrated(older)).toEqual([]);
    expect((await fresh.query('SELECT * FROM plugin_p.v')).rows).toEqual([{ id: 7, one: 1 }]);
  });

  it('is found under another name by its text', async () => {
    const fresh = await db.fresh();
    const { old, now } = await flyway(view('id'), view('id'), 'views.sql');
    await migrated({ pool: fresh.url, plugins: [old] });
    expect(await migrated({ pool: fresh.url, plugins: [now] })).toEqual([]);
    expect(await warningsOf({ pool: fresh.url, plugins: [now] })).toEqual([]);
  });
});
