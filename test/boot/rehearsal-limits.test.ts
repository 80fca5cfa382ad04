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

test('a lock_timeout of a file lasts for one statement', async () => {
  const shop = await pluginOf('shop', {
    '0000_check': `SET LOCAL lock_timeout = '1h';--> statement-breakpoint
      DO $$ BEGIN RAISE EXCEPTION 'lock_timeout is %', current_setting('lock_timeout'); END $$;`,
  });
  expect(filesOf(await run([shop], { lockTimeout: 50 }))).toMatchObject([
    { error: { message: expect.stringContaining('lock_timeout is 50ms') as string } },
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
