import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { expectNoClientOut, expectNoSession } from './leaks.ts';
import { TestDatabase } from './test-database.ts';

// Not through useDatabase(): here the leaks are made on purpose.
const adminUrl = inject('postgresUrl');
const database = new TestDatabase(adminUrl);
beforeAll(() => database.create());
afterAll(() => database.drop());

describe('the check of a database', () => {
  test('passes when every client was given back, and ends the pools', async () => {
    const pool = database.pool();
    await Promise.all([pool.query('select 1'), pool.query('select 2')]);
    await database.expectNoLeak();
    expect(pool.ended).toBe(true);
  });

  test('fails for a client that is checked out, and cuts it off', async () => {
    const pool = database.pool();
    const client = await pool.connect();
    const lost = new Promise((resolve) => {
      client.once('end', resolve);
    });
    await expect(database.expectNoLeak()).rejects.toThrow('1 pool client is still checked out');
    await lost;
    client.release();
    await database.expectNoLeak();
  });

  test('fails for a session that somebody else left open, and says whose it is', async () => {
    const stray = new Client({ connectionString: database.url, application_name: 'the stray' });
    const lost = new Promise((resolve) => {
      stray.once('end', resolve);
    });
    stray.on('error', () => undefined);
    await stray.connect();
    await stray.query('select 42');
    await expect(expectNoSession(adminUrl, database.name, { patienceMs: 0 })).rejects.toThrow(
      /"the stray" \(idle\): select 42/,
    );
    await stray.end();
    await lost;
    await expectNoSession(adminUrl, database.name);
  });

  test('lets a pool that is kept stay open, with its idle clients', async () => {
    const kept = database.pool();
    await kept.query('select 1');
    const other = database.pool();
    await other.query('select 1');
    await database.expectNoLeak(new Set([kept]));
    expect(other.ended).toBe(true);
    expect((await kept.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await database.expectNoLeak();
  });

  test('waits for a backend that is on its way out', async () => {
    const leaver = new Client({ connectionString: database.url });
    await leaver.connect();
    const check = expectNoSession(adminUrl, database.name);
    const looks = `select 1 from pg_stat_activity
                   where application_name = 'test/admin' and pid <> pg_backend_pid()
                     and query like '%pg_stat_activity%' and state = 'idle'`;
    await expect.poll(async () => (await database.query(looks)).rowCount).toBeGreaterThan(0);
    await leaver.end();
    await expect(check).resolves.toBeUndefined();
  });
});

test('clients are counted over all pools', async () => {
  const idle = { totalCount: 3, idleCount: 3 };
  await expectNoClientOut([idle, idle]);
  await expect(expectNoClientOut([idle, { totalCount: 3, idleCount: 1 }], 20)).rejects.toThrow(
    '2 pool clients are still checked out',
  );
});
