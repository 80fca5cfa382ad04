import { beforeEach, describe, expect, test } from 'vitest';
import type { Plugin, RehearseOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { everything, filesOf, pluginOf, rehearse, shopWith } from '../support/rehearsals.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const sleeping = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

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

describe('the time is bounded', () => {
  test('a file that is not done in time is cancelled and rolled back', async () => {
    const shop = await shopOf({
      '0001_slow': 'SELECT 1;--> statement-breakpoint\nSELECT pg_sleep(600);',
      '0002_next': 'SELECT 1;',
    });
    const before = await everything(fresh);
    expect(filesOf(await run([shop], { within: '300ms' }))).toMatchObject([
      { outcome: 'late', because: 'the time was up in statement 2 of 2, line 2' },
      { outcome: 'notReached' },
    ]);
    expect(await everything(fresh)).toEqual(before);
  });

  test('the server has the limits, too, and a lock is waited for only a moment', async () => {
    const shows = ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout'];
    const found = shows.map((name) => `current_setting('${name}')`).join(`, ' ', `);
    const check = `DO $$ BEGIN RAISE EXCEPTION '%', concat(${found}); END $$;`;
    const shop = await pluginOf('shop', { '0000_check': check });
    expect(filesOf(await run([shop], { within: '7s' }))).toMatchObject([
      { error: { message: expect.stringContaining('7s 7s 200ms') as string } },
    ]);
  });
});

test('limits that a file sets last for one statement', async () => {
  const names = [
    'lock_timeout',
    'statement_timeout',
    'idle_in_transaction_session_timeout',
  ] as const;
  const found = names.map((name) => `current_setting('${name}')`).join(`, ' ', `);
  const shop = await pluginOf('shop', {
    '0000_check': [
      ...names.map((name) => `SET LOCAL ${name} = '1h';`),
      `DO $$ BEGIN RAISE EXCEPTION 'the limits are %', concat(${found}); END $$;`,
    ].join('--> statement-breakpoint\n'),
  });
  expect(filesOf(await run([shop], { lockTimeout: 50, within: '9s' }))).toMatchObject([
    { error: { message: expect.stringContaining('the limits are 50ms 9s 9s') as string } },
  ]);
});

test('a statement that a boot would cancel does not run to its end', async () => {
  const shop = await pluginOf('shop', { '0000_slow': 'SELECT pg_sleep(600);' });
  const { boot } = bootUnderTest({
    pool: fresh.url,
    plugins: [shop],
    migrations: { statementTimeout: '200ms' },
  });
  const { rehearsal } = await boot.plan({ rehearse: { within: '10m' } });
  expect(rehearsal?.plugins).toMatchObject([
    { outcome: 'failed', files: [{ error: { database: { sqlState: '57014' } } }] },
  ]);
});

test('it may take no time at all, or the longest', async () => {
  const slow = await pluginOf('slow', { '0000_a': 'SELECT pg_sleep(600);' });
  expect((await run([slow], { within: 0 })).plugins[0]?.outcome).toMatch(/^(?:late|notReached)$/);
  const quick = await pluginOf('quick', { '0000_a': 'CREATE TABLE a ();' });
  expect((await run([quick], { within: '500h' })).plugins).toMatchObject([{ outcome: 'done' }]);
});

test('a row of a catalog that another session has changed is waited for only a moment', async () => {
  await shopOf({});
  const store = await pluginOf('store', { '0000_orders': 'SELECT 1;' }, { previousIds: ['shop'] });
  const pool = fresh.pool();
  const other = await pool.connect();
  await other.query('BEGIN; GRANT USAGE ON SCHEMA plugin_shop TO PUBLIC');
  const { plugins } = await run([store], { within: '10s' });
  await other.query('ROLLBACK');
  other.release();
  expect(plugins).toMatchObject([
    { id: 'store', outcome: 'locked', error: { database: { sqlState: '55P03' } } },
  ]);
});

test('an aborted rehearsal rolls back, and rejects', async () => {
  const shop = await shopOf({
    '0001_slow': 'ALTER TABLE orders ADD COLUMN a int; SELECT pg_sleep(600);',
  });
  const before = await everything(fresh);
  const stop = new AbortController();
  const running = plan([shop], { signal: stop.signal, within: '10m' });
  await untilFound(fresh, sleeping);
  stop.abort();
  expect(await failureOf(running)).toMatchObject({ code: 'BOOT_CANCELED' });
  expect(await everything(fresh)).toEqual(before);
});

describe('a function that goes on and on', () => {
  const hanging: Plugin = {
    id: 'hanging',
    migrations: [
      {
        name: '0000_hang',
        run: async (client) => {
          await client.query('CREATE TABLE a ()');
          await new Promise(() => {});
        },
      },
    ],
  };
  const open = `SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

  test('is left when its time is up', async () => {
    const { plugins } = await run([hanging], { functions: true, within: '200ms' });
    expect(plugins).toMatchObject([{ outcome: 'late', files: [{ outcome: 'late' }] }]);
    expect((await fresh.query(open)).rows).toEqual([]);
  });

  test('is left when the rehearsal is aborted', async () => {
    const stop = new AbortController();
    const running = plan([hanging], { functions: true, within: '10m', signal: stop.signal });
    await untilFound(fresh, open);
    stop.abort();
    expect(await failureOf(running)).toMatchObject({ code: 'BOOT_CANCELED' });
    expect((await fresh.query(open)).rows).toEqual([]);
  });
});

test('an abort does not wait for the deferred constraints of a file', async () => {
  const shop = await shopOf({
    '0001_slow': `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();
      INSERT INTO orders VALUES (-1);`,
  });
  const stop = new AbortController();
  const running = plan([shop], { signal: stop.signal, within: '10m' });
  await untilFound(fresh, sleeping);
  stop.abort();
  expect(await failureOf(running)).toMatchObject({ code: 'BOOT_CANCELED' });
});

test('an abort ends the wait for a database that is not there', async () => {
  const shop: Plugin = { id: 'shop', migrations: [{ name: '0000_a', run: () => undefined }] };
  const { boot } = bootUnderTest({ pool: 'postgres://127.0.0.1:1/x', plugins: [shop] });
  const stop = new AbortController();
  const running = boot.plan({ rehearse: { signal: stop.signal } });
  stop.abort();
  expect(await failureOf(running)).toMatchObject({ code: 'BOOT_CANCELED' });
});

test.each([
  [{ copy: true, against: 'postgres://127.0.0.1/x' }, /has both copy and against/],
  [{ copy: true, within: '1s' }, /has both within and copy/],
  [{ against: 'nowhere' }, /Expected plan\(\)\.rehearse\.against to be a pg\.Pool/],
  [{ withing: '1s' }, /has no option withing\. Did you mean within\?/],
  [{ signal: 7 }, /Expected plan\(\)\.rehearse\.signal to be an AbortSignal/],
  ['yes', /Expected plan\(\)\.rehearse to be an object/],
])('%j is refused before anything is asked', async (options, message) => {
  const { boot } = bootUnderTest({ pool: 'postgres://127.0.0.1:1/x', plugins: [] });
  const failure = await failureOf(boot.plan({ rehearse: options as RehearseOptions }));
  expect(failure.code).toBe('OPTIONS_INVALID');
  expect(failure.message).toMatch(message);
});
