import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { definePlugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const named = async (pool: Pick<Pool, 'query'>): Promise<unknown> =>
  (await pool.query(`select current_setting('lock_timeout') as own`)).rows;

describe('a plugin with a `pool` of its own', () => {
  it('works on those connections, which end with it', async () => {
    const shared = db.pool();
    const seen: unknown[] = [];
    const plugin = definePlugin({
      id: 'apart',
      pool: { connectionString: db.url, options: '-c lock_timeout=77s' },
      async init({ database, onStop }) {
        seen.push(await named(database));
        onStop(async () => void seen.push(await named(database)));
        await database.connect();
      },
    });
    const { boot } = bootUnderTest({ pool: shared, plugins: [plugin] });
    await boot.start();
    expect(await named(shared)).toEqual([{ own: '0' }]);
    await boot.stop();
    expect(seen).toEqual([[{ own: '77s' }], [{ own: '77s' }]]);
  });

  it('leaves a pool of the host open', async () => {
    const own = db.pool({ options: '-c lock_timeout=77s' });
    const seen: unknown[] = [];
    const plugin = definePlugin({
      id: 'apart',
      pool: own,
      init: async ({ database }) => void seen.push(await named(database)),
    });
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [plugin] });
    await boot.start();
    await boot.stop();
    expect(seen).toEqual([[{ own: '77s' }]]);
    expect(await named(own)).toEqual([{ own: '77s' }]);
  });

  it('ends the connections of an attempt of init that has failed', async () => {
    let attempts = 0;
    const plugin = definePlugin({
      id: 'apart',
      pool: db.url,
      retry: { attempts: 2, backoff: 1 },
      async init({ database }) {
        attempts += 1;
        await database.query('select 1');
        if (attempts === 1) throw new Error('once');
      },
    });
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [plugin] });
    await boot.start();
    const sessions = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and query = 'select 1'`;
    await expect.poll(async () => (await db.query(sessions)).rows).toEqual([{ n: 1 }]);
    await boot.stop();
  });

  it.each([
    ['a Drizzle database', { $client: {} }],
    ['a URL of another kind', 'mysql://localhost/shop'],
    ['a promise', Promise.resolve()],
  ])('refuses %s before anything has run', async (_, pool) => {
    const plugin = definePlugin({ id: 'apart', pool: pool as string });
    const { boot, recording } = bootUnderTest({ pool: db.pool(), plugins: [plugin] });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'OPTIONS_INVALID' });
    expect(error.message).toContain('the pool of apart');
    expect(recording.of('phase.started').map(({ phase }) => phase)).not.toContain('migrateAll');
  });
});
