import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();

const init = { '0000_init': 'create table t (id int);' };

describe('stopping', () => {
  test('finishes the open file and begins no other when it winds down', async () => {
    const windDown = new AbortController();
    const two = await pluginWith('two', { ...init, '0001_more': 'create table more (id int)' });
    const options = migrateOptions({
      windDown: windDown.signal,
      emit: (news) => {
        if (news.type === 'plugin.migrate.executed') windDown.abort();
      },
    });
    expect(await migratePlugin(db.pool(), two, options)).toEqual({
      status: 'canceled',
      applied: ['0000_init.sql'],
    });
  });

  test('cancels the running statement on the server and keeps nothing of its file', async () => {
    const stop = new AbortController();
    const long = await pluginWith('long', {
      ...init,
      '0001_long': 'create table gone (id int);--> statement-breakpoint\nselect pg_sleep(60);',
    });
    const running = migratePlugin(db.pool(), long, migrateOptions({ signal: stop.signal }));
    await untilSleeping();
    stop.abort();

    expect(await running).toEqual({ status: 'canceled', applied: ['0000_init.sql'] });
    const { rows } = await db.query(`select to_regclass('plugin_long.gone') as gone`);
    expect(rows).toEqual([{ gone: null }]);
    expect(await migrationSessions()).toEqual([]);
  });

  test('does not wait for a pool whose clients are all out', async () => {
    const pool = db.pool({ max: 1 });
    const taken = await pool.connect();
    const stop = new AbortController();
    const waiting = migratePlugin(
      pool,
      await pluginWith('w', init),
      migrateOptions({ signal: stop.signal }),
    );
    stop.abort();
    expect(await waiting).toEqual({ status: 'canceled', applied: [] });
    taken.release();
  });

  test('before it began does nothing', async () => {
    const options = migrateOptions({ signal: AbortSignal.abort() });
    const pool = db.pool();
    expect(await migratePlugin(pool, await pluginWith('w', init), options)).toEqual({
      status: 'canceled',
      applied: [],
    });
    expect(pool.totalCount).toBe(0);
  });
});

describe('two runners', () => {
  test('at once apply each file once: one is refused and told who holds the lock', async () => {
    const counting = await pluginWith('counting', {
      '0000_init': 'create table c (n int);--> statement-breakpoint\ninsert into c values (0);',
      '0001_up': 'update c set n = n + 1;--> statement-breakpoint\nselect pg_sleep(0.05);',
      '0002_up': 'update c set n = n + 1;',
    });
    const results = await Promise.all([1, 2, 3, 4].map(() => untilDone(counting)));
    expect(results.flatMap((result) => (result.status === 'done' ? result.applied : []))).toEqual([
      '0000_init.sql',
      '0001_up.sql',
      '0002_up.sql',
    ]);
    const { rows } = await db.query('select n from plugin_counting.c');
    expect(rows).toEqual([{ n: 2 }]);
  });

  test('never wait inside PostgreSQL, and the refused one keeps no client', async () => {
    const slow = await pluginWith('slow_one', { '0000_init': 'select pg_sleep(60)' });
    const stop = new AbortController();
    const holding = migratePlugin(db.pool(), slow, migrateOptions({ signal: stop.signal }));
    await untilSleeping();

    const pool = db.pool();
    const refused = await migratePlugin(pool, slow, migrateOptions());
    expect(refused).toEqual({
      status: 'locked',
      holder: {
        pid: expect.any(Number) as unknown,
        applicationName: `slipway/slow_one@${hostname()}`,
        host: expect.any(String) as unknown,
        ageMs: expect.any(Number) as unknown,
        state: 'active',
        transactionMs: expect.any(Number) as unknown,
      },
    });
    expect(pool.idleCount).toBe(1);
    stop.abort();
    await holding;
  });
});

async function untilDone(
  plugin: Awaited<ReturnType<typeof pluginWith>>,
): Promise<{ readonly status: string; readonly applied: readonly string[] }> {
  const pool = db.pool();
  for (;;) {
    const result = await migratePlugin(pool, plugin, migrateOptions());
    if (result.status !== 'locked') return result;
  }
}

/** Resolves when a migration is in pg_sleep. */
async function untilSleeping(): Promise<void> {
  for (;;) {
    if ((await migrationSessions()).some(({ event }) => event === 'PgSleep')) return;
  }
}

async function migrationSessions(): Promise<readonly { pid: number; event: string | null }[]> {
  const { rows } = await db.query<{ pid: number; event: string | null }>(
    `select pid, wait_event as event from pg_stat_activity where datname = current_database() and application_name like 'slipway/%'`,
  );
  return rows;
}
