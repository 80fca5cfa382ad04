import { describe, expect, test } from 'vitest';
import { runPluginMigrations } from '../../src/postgres/run-plugin-migrations.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, writeFolder } from './migration-fixture.ts';

const db = useDatabase();

describe('on a real pool', () => {
  test('migrates with Drizzle and gives back a client whose path is public', async () => {
    const pool = db.pool({ max: 1 });
    const migrationsFolder = await writeFolder({ '0000_init': 'create table t (id int);' });
    await runPluginMigrations({ pool, migrationsFolder, migrationsSchema: 'plugin_a' });
    expect((await db.query('select * from plugin_a.t')).rows).toEqual([]);
    expect((await pool.query('show search_path')).rows).toEqual([{ search_path: 'public' }]);
    expect(pool.totalCount).toBe(1);
  });

  test('throws what Drizzle threw, and hands nothing on', async () => {
    const pool = db.pool({ max: 1 });
    const migrationsFolder = await writeFolder({ '0000_init': 'select 1/0;' });
    const error = await errorOf(
      runPluginMigrations({ pool, migrationsFolder, migrationsSchema: 'plugin_b' }),
    );
    expect(error.cause).toMatchObject({ code: '22012' });
    expect((await pool.query('show search_path')).rows).toEqual([{ search_path: 'public' }]);
  });

  test('destroys a client that was left inside a transaction', async () => {
    const pool = db.pool();
    await runPluginMigrations({
      pool,
      migrationsFolder: '-',
      migrationsSchema: 'plugin_c',
      createMigrationDb: (client) => client,
      migrate: (client) => client.query('begin'),
    });
    expect(pool.totalCount).toBe(0);
  });
});

describe('with a bare client', () => {
  test('sends its three statements around migrate, in order, and releases the client once', async () => {
    const { sent, released, connects, run } = fake();
    await run();
    expect(sent).toEqual([
      'CREATE SCHEMA IF NOT EXISTS "plugin_x"',
      'SET search_path = "plugin_x"',
      'migrate {"migrationsFolder":"/m","migrationsSchema":"plugin_x"}',
      'SET search_path = public',
    ]);
    expect({ released, connects: connects() }).toEqual({ released: [[]], connects: 1 });
  });

  test('rethrows the error of migrate as it is, after the reset', async () => {
    const failure = new Error('migrate failed');
    const { sent, released, run } = fake({ migrate: failure });
    expect(await errorOf(run())).toBe(failure);
    expect(sent.at(-1)).toBe('SET search_path = public');
    expect(released).toEqual([[]]);
  });

  test('releases with the error of a failing reset', async () => {
    const reset = new Error('reset failed');
    const { released, run } = fake({ 'SET search_path = public': reset });
    await run();
    expect(released).toEqual([[reset]]);
  });

  test('lets a failing reset hide no error of migrate', async () => {
    const [failure, reset] = [new Error('migrate failed'), new Error('reset failed')];
    const { released, run } = fake({ migrate: failure, 'SET search_path = public': reset });
    expect(await errorOf(run())).toBe(failure);
    expect(released).toEqual([[reset]]);
  });
});

/** A client that can nothing but `query` and `release`; statements that begin with a key of `failures` fail. */
function fake(failures: Readonly<Record<string, Error>> = {}) {
  const sent: string[] = [];
  const released: unknown[][] = [];
  let connects = 0;
  const client = {
    async query(query: string | { text: string }) {
      const text = typeof query === 'string' ? query : query.text;
      sent.push(text);
      const failure = Object.entries(failures).find(([start]) => text.startsWith(start));
      if (failure) throw failure[1];
    },
    release: (...args: unknown[]) => void released.push(args),
  };
  const pool = {
    connect: () => {
      connects += 1;
      return Promise.resolve(client);
    },
  };
  const run = (): Promise<void> =>
    runPluginMigrations({
      pool,
      migrationsFolder: '/m',
      migrationsSchema: 'plugin_x',
      createMigrationDb: (given) => ({ given }),
      migrate: ({ given }, config) => given.query(`migrate ${JSON.stringify(config)}`),
    });
  return { sent, released, connects: () => connects, run };
}
