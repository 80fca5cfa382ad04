import { beforeEach, describe, expect, test } from 'vitest';
import type { Plugin, RehearseOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { everything, filesOf, pluginOf, rehearse, shopWith } from '../support/rehearsals.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

let fresh: Database;

beforeEach(async () => {
  fresh = await db.fresh();
});

const shopOf = (files: Readonly<Record<string, string>>): Promise<Plugin> =>
  shopWith(bootUnderTest, fresh.url, files);
const run = (plugins: readonly Plugin[], options?: true | RehearseOptions) =>
  rehearse(bootUnderTest, fresh.url, plugins, options);
const plan = (plugins: readonly Plugin[], options: true | RehearseOptions = true) =>
  bootUnderTest({ pool: fresh.url, plugins }).boot.plan({ rehearse: options });

test('names the table that a file would write anew, with the lock, the size and the rows, and leaves nothing', async () => {
  const shop = await shopOf({
    '0001_total': 'ALTER TABLE orders ALTER COLUMN total TYPE bigint;',
    '0002_note': `ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET note = 'x' WHERE id <= 10;`,
  });
  await fresh.query('ANALYZE plugin_shop.orders');
  const before = await everything(fresh);
  const [rewriting, adding] = filesOf(await run([shop]));
  const orders = { relation: 'plugin_shop.orders', rows: 1000 };
  expect(rewriting).toMatchObject({
    file: '0001_total.sql',
    outcome: 'done',
    locks: [{ mode: 'ACCESS EXCLUSIVE', blocks: 'readers', ...orders }],
    rewrites: [{ kind: 'table', ...orders }],
    rows: [],
  });
  expect(rewriting?.locks?.[0]?.bytes).toBeGreaterThan(8_192);
  expect(adding).toMatchObject({
    file: '0002_note.sql',
    outcome: 'done',
    rewrites: [],
    rows: [{ relation: 'plugin_shop.orders', inserted: 0, updated: 10, deleted: 0 }],
  });
  expect(await everything(fresh)).toEqual(before);
});

test('distinguishes a truncation and a rebuilt index from a table that is written anew', async () => {
  const shop = await shopOf({
    '0001_index': 'REINDEX INDEX orders_pkey;',
    '0002_empty': 'TRUNCATE orders;',
    '0003_drop': 'DROP TABLE orders;',
  });
  expect(filesOf(await run([shop]))).toMatchObject([
    {
      rewrites: [{ kind: 'index', relation: 'plugin_shop.orders_pkey' }],
      locks: [{ mode: 'SHARE' }],
    },
    { rewrites: [{ kind: 'emptied', relation: 'plugin_shop.orders' }] },
    { outcome: 'done', rewrites: [] },
  ]);
});

test('names the session in the way of a lock, and goes on with plugins that do not need this one', async () => {
  const shop = await shopOf({
    '0001_total': 'ALTER TABLE orders ADD COLUMN tax int;',
    '0002_more': 'SELECT 1;',
  });
  const other = await pluginOf('other', { '0000_a': 'CREATE TABLE a ();' });
  const needing = await pluginOf(
    'needing',
    { '0000_b': 'CREATE TABLE b ();' },
    { after: ['shop'] },
  );
  const pool = fresh.pool({ application_name: 'report' });
  const reader = await pool.connect();
  await reader.query('BEGIN; SELECT count(*) FROM plugin_shop.orders');
  const { rehearsal, problems } = await plan([shop, needing, other]);
  await reader.query('ROLLBACK');
  reader.release();
  expect(problems).toEqual([]);
  expect(rehearsal?.plugins).toMatchObject([
    {
      id: 'shop',
      outcome: 'locked',
      files: [
        {
          file: '0001_total.sql',
          outcome: 'locked',
          blockers: [{ applicationName: 'report', state: 'idle in transaction' }],
          error: { database: { sqlState: '55P03' } },
        },
        { file: '0002_more.sql', outcome: 'notReached' },
      ],
    },
    {
      id: 'needing',
      outcome: 'notReached',
      because: 'shop comes first, and was not rehearsed to its end',
    },
    { id: 'other', outcome: 'done' },
  ]);
});

test('a file that would fail is a problem of the plan, with the error of a boot', async () => {
  const shop = await shopOf({
    '0001_total': 'ALTER TABLE orders ADD COLUMN tax int;',
    '0002_wrong': 'SELECT 1;--> statement-breakpoint\nSELECT wrong FROM orders;',
  });
  const { problems, rehearsal, plugins } = await plan([shop]);
  const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
  const failure = await failureOf(boot.migrate());
  expect(rehearsal?.plugins[0]?.files).toMatchObject([
    { outcome: 'done' },
    {
      outcome: 'failed',
      error: { message: failure.message, code: 'MIGRATION_FAILED', position: failure.position },
    },
  ]);
  expect(problems).toMatchObject([
    { code: 'MIGRATION_FAILED', plugin: 'shop', file: '0002_wrong.sql', line: 2, column: 8 },
  ]);
  expect(plugins[0]?.problems).toEqual(problems);
});

test('a file that drops the history fails with the error of a boot', async () => {
  const shop = await shopOf({
    '0001_drop': `DO $$ BEGIN EXECUTE 'DROP TABLE ' || '__drizzle_' || 'migrations'; END $$;`,
  });
  const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
  const [file] = filesOf(await run([shop]));
  const { code, message, hint } = await failureOf(boot.migrate());
  expect(hint).toContain('the history of migrations');
  expect(file).toMatchObject({ outcome: 'failed', error: { code, message, hint } });
});

test('a file that leads out of its schema fails with the error of a boot', async () => {
  const shop = await shopOf({
    '0001_path': `DO $$ BEGIN PERFORM set_config('search_path', 'public', true); END $$;`,
  });
  const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
  const [file] = filesOf(await run([shop]));
  const { code, message } = await failureOf(boot.migrate());
  expect(code).toBe('MIGRATION_WRONG_SCHEMA');
  expect(file).toMatchObject({ outcome: 'failed', error: { code, message } });
});

describe('plugins that depend on each other share a transaction', () => {
  test('a file finds the table that a pending file of another plugin makes', async () => {
    const auth = await pluginOf('auth', {
      '0000_users': 'CREATE TABLE users (id int PRIMARY KEY);',
    });
    const orders = 'CREATE TABLE orders (u int REFERENCES plugin_auth.users);';
    const shop = await pluginOf('shop', { '0000_orders': orders }, { after: ['auth'] });
    expect((await run([shop, auth])).plugins).toMatchObject([
      { id: 'auth', outcome: 'done', files: [{ locks: [] }] },
      { id: 'shop', outcome: 'done', files: [{ locks: [] }] },
    ]);
    const { rows } = await fresh.query("SELECT FROM pg_namespace WHERE nspname ~ '^plugin_'");
    expect(rows).toEqual([]);
  });

  test('what an earlier plugin makes is no stray object of a later one, and a real one is found', async () => {
    const auth = await pluginOf('auth', { '0000_users': 'CREATE TABLE users ();' });
    const files = {
      // Its dependencies are not those of new objects alone, so that the catalogs are read from end to end.
      '0000_orders':
        'CREATE TABLE orders (a int); CREATE TYPE t AS ENUM (); ALTER TABLE orders ALTER a SET DEFAULT 1; ALTER TABLE orders ALTER a TYPE bigint;',
      '0001_stray': 'CREATE TABLE plugin_auth.stray ();',
    };
    const shop = await pluginOf('shop', files, { after: ['auth'] });
    expect((await run([auth, shop])).plugins[1]?.files).toMatchObject([
      { outcome: 'done' },
      {
        outcome: 'failed',
        error: {
          code: 'MIGRATION_STRAY_OBJECTS',
          message: expect.stringContaining('table plugin_auth.stray') as string,
        },
      },
    ]);
  });
});

describe('the end of a file is like its COMMIT in a boot', () => {
  test('a deferred constraint is checked, and waits again in the next file', async () => {
    const files = {
      '0000_tables': `CREATE TABLE a (id int PRIMARY KEY);
        CREATE TABLE b (a int CONSTRAINT b_a REFERENCES a DEFERRABLE INITIALLY DEFERRED);`,
      '0001_fine': 'INSERT INTO b VALUES (1); INSERT INTO a VALUES (1);',
      '0002_alter': 'ALTER TABLE b ADD COLUMN c int;',
      '0003_again': 'INSERT INTO b VALUES (2); INSERT INTO a VALUES (2);',
      '0004_wrong': 'INSERT INTO b VALUES (3);',
    };
    expect(filesOf(await run([await pluginOf('shop', files)]))).toMatchObject([
      { outcome: 'done' },
      { outcome: 'done' },
      { outcome: 'done' },
      { outcome: 'done' },
      { outcome: 'failed', error: { database: { sqlState: '23503' } } },
    ]);
  });

  test('a value of an enum that an earlier file adds is no failure for certain', async () => {
    const migrations = {
      '0001_add': `ALTER TYPE state ADD VALUE 'sent';`,
      '0002_use': `ALTER TABLE orders ADD COLUMN state state DEFAULT 'sent';`,
    };
    const shop = await shopOf(migrations);
    await fresh.query(`CREATE TYPE plugin_shop.state AS ENUM ('new')`);
    expect(filesOf(await run([shop]))).toMatchObject([
      { outcome: 'done' },
      { outcome: 'unsure', because: expect.stringContaining('only after the COMMIT') as string },
    ]);
  });
});

test('a file that no rollback takes back is left out, and a failure behind it is not certain', async () => {
  const shop = await shopOf({
    '0001_index': 'CREATE UNIQUE INDEX CONCURRENTLY by_total ON orders (total);',
    '0002_fine': 'ALTER TABLE orders ADD COLUMN tax int;',
    '0003_uses': 'ALTER TABLE orders ADD CONSTRAINT one UNIQUE USING INDEX by_total;',
    '0004_last': 'SELECT 1;',
  });
  const { rehearsal, problems } = await plan([shop]);
  expect(problems).toEqual([]);
  expect(rehearsal?.plugins[0]?.outcome).toBe('unsure');
  const [index, fine, uses, last] = rehearsal?.plugins[0]?.files ?? [];
  expect(index).toEqual({
    file: '0001_index.sql',
    outcome: 'leftOut',
    because: 'it runs outside of a transaction, and cannot be rolled back: rehearse on a copy',
  });
  expect(fine?.outcome).toBe('done');
  expect(uses).toMatchObject({
    outcome: 'unsure',
    because: 'this may be because 0001_index.sql was left out: rehearse on a copy',
  });
  expect(last?.outcome).toBe('notReached');
});

test('a function runs only when it is allowed, and what it does in the database is rolled back', async () => {
  let calls = 0;
  const count = async (client: { query(sql: string): unknown }): Promise<void> => {
    calls += 1;
    await client.query('CREATE TABLE counts ()');
  };
  const counting: Plugin = { id: 'counting', migrations: [{ name: '0000_count', run: count }] };
  expect(filesOf(await run([counting]))).toMatchObject([
    { outcome: 'leftOut', because: expect.stringContaining('it is a function') as string },
  ]);
  expect(calls).toBe(0);
  expect(filesOf(await run([counting], { functions: true }))).toMatchObject([{ outcome: 'done' }]);
  expect(calls).toBe(1);
  expect((await fresh.query("SELECT FROM pg_class WHERE relname = 'counts'")).rows).toEqual([]);
});

test('of tenants, the one with most to do is rehearsed', async () => {
  const shop = await pluginOf(
    'shop',
    { '0000_a': 'CREATE TABLE a ();' },
    { tenants: () => ['acme', 'globex'] },
  );
  expect((await run([shop])).plugins).toMatchObject([
    { id: 'shop', tenant: 'acme', outcome: 'done', files: [{ file: '0000_a.sql' }] },
  ]);
});

test('a plugin whose migration lock is held is not rehearsed, and the holder is named', async () => {
  const shop = await shopOf({ '0001_slow': 'SELECT pg_sleep(600) FROM orders;' });
  const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
  const executing = new Promise((resolve) => boot.once('plugin.migrate.executing', resolve));
  const migrating = boot.migrate();
  await executing;
  const rehearsal = await run([shop]);
  await boot.stop('that is enough');
  await failureOf(migrating);
  expect(rehearsal.plugins).toMatchObject([
    {
      id: 'shop',
      outcome: 'locked',
      because: expect.stringMatching(/^its migration lock is held by slipway\/shop@/) as string,
      files: [{ outcome: 'notReached' }],
    },
  ]);
});

test('a rename of the schema is rehearsed with the files', async () => {
  await shopOf({});
  const store = await pluginOf(
    'store',
    { '0000_orders': 'SELECT 1;', '0001_tax': 'ALTER TABLE orders ADD COLUMN tax int;' },
    { previousIds: ['shop'] },
  );
  const before = await everything(fresh);
  expect((await run([store])).plugins).toMatchObject([
    { id: 'store', outcome: 'done', files: [{ file: '0001_tax.sql', outcome: 'done' }] },
  ]);
  expect(await everything(fresh)).toEqual(before);
});

test('problems of the plan come first: then nothing is run', async () => {
  const shop = await shopOf({ '0001_commit': 'COMMIT;' });
  const { rehearsal, problems } = await plan([shop]);
  expect(problems).toMatchObject([{ code: 'MIGRATION_TRANSACTION_CONTROL' }]);
  expect(rehearsal).toEqual({
    on: 'database',
    because: 'the problems come first: with them a boot applies nothing',
    durationMs: 0,
    plugins: [],
  });
});

test('a COMMIT behind a body of SQL is one of these problems, and leaves nothing', async () => {
  const shop = await shopOf({
    '0001_commit': `CREATE TABLE made (); CREATE FUNCTION one() RETURNS int BEGIN ATOMIC SELECT 1; END; COMMIT;`,
  });
  const before = await everything(fresh);
  const { problems } = await plan([shop]);
  expect(await everything(fresh)).toEqual(before);
  expect(problems).toMatchObject([{ code: 'MIGRATION_TRANSACTION_CONTROL' }]);
});
