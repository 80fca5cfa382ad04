import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { sendCancelRequest } from '../../src/postgres/connection/cancel-request.ts';
import { checkOut } from '../../src/postgres/connection/held-client.ts';
import { withPatience } from '../../src/postgres/connection/connect-with-patience.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();
const { signal } = new AbortController();

describe('a pinned client', () => {
  test('goes back to the pool when it only read', async () => {
    const pool = db.pool();
    await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
      client.query('select 1'),
    );
    expect(pool).toMatchObject({ totalCount: 1, idleCount: 1 });
  });

  test.each([
    ['it was marked dirty', undefined],
    ['it was left inside a transaction', 'begin'],
    ['it was left inside a failed transaction', 'begin; select 1/0'],
    // pg tells the error before the state of the transaction is known.
    ['its last statement failed', 'select 1/0'],
  ])('is destroyed when %s', async (_, sql) => {
    const pool = db.pool();
    await withPinnedClient(pool, { clock: systemClock, signal }, async (client) => {
      if (sql) await client.query(sql).catch(() => undefined);
      else client.markDirty();
    });
    expect(pool.totalCount).toBe(0);
  });

  test('is destroyed when its work throws, and the error is the one of the work', async () => {
    const pool = db.pool();
    const error = await errorOf(
      withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
        client.query('select 1/0'),
      ),
    );
    expect(error).toMatchObject({ code: '22012' });
    expect(pool.totalCount).toBe(0);
  });

  test('counts each message of SQL', async () => {
    let statements = 0;
    const onStatement = (): void => {
      statements += 1;
    };
    const clock = systemClock;
    const pool = withPatience(db.pool(), { waitMs: 0, clock, signal, onStatement });
    await withPinnedClient(pool, { clock, signal }, async (client) => {
      await client.query('select 1');
      await client.finish('select $1::int', [2]);
    });
    expect(statements).toBe(2);
  });

  test('that is killed while nobody waits for it is no crash: it knows why it is lost', async () => {
    const pool = db.pool();
    await withPinnedClient(pool, { clock: systemClock, signal }, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await db.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await expect.poll(() => client.lost).toMatchObject({ code: '57P01' });
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '57P01' });
    });
    expect(pool.totalCount).toBe(0);
  });

  test('that is killed between the connect and the first look at the database tells why', async () => {
    const pool = db.pool();
    const killing = {
      checkOut: async () => {
        const held = await checkOut(pool);
        const told = once(held.client as PoolClient, 'error');
        await db.query('select pg_terminate_backend($1)', [held.client.processID]);
        await told;
        return held;
      },
      outlast: async () => false,
    };
    const survey = withPinnedClient(killing, { clock: systemClock, signal }, (client) =>
      takeSurvey(client, []),
    );
    expect(await errorOf(survey)).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      database: { sqlState: '57P01' },
      cause: { code: '57P01' },
    });
    expect(pool.totalCount).toBe(0);
  });

  test('leaves no listener on a client that goes back', async () => {
    const pool = db.pool({ max: 1 });
    await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
      client.query('select 1'),
    );
    const client = await pool.connect();
    expect(client.listenerCount('error')).toBe(0);
    client.release();
  });

  test('has a listener as soon as the pool has taken its own away', async () => {
    const pool = db.pool();
    // In the same tick in which the pool hands it out; its promise would come too late.
    const listening = new Promise<number>((resolve) => {
      pool.on('acquire', (client) => queueMicrotask(() => resolve(client.listenerCount('error'))));
    });
    const held = await checkOut(pool);
    expect(await listening).toBe(1);
    held.giveBack();
  });
});

describe('an abort', () => {
  test('cancels what runs and waits for its end; the connection still works for the way out', async () => {
    const stop = new AbortController();
    const pool = db.pool();
    await withPinnedClient(pool, { clock: systemClock, signal: stop.signal }, async (client) => {
      const sleeping = errorOf(client.query('select pg_sleep(60)'));
      await untilSleeping();
      stop.abort();
      expect(await sleeping).toMatchObject({ code: '57014' });
      expect(await errorOf(client.query('select 1'))).toBe(stop.signal.reason);
      expect(await client.finish('select 2 as two')).toMatchObject({ rows: [{ two: 2 }] });
    });
    expect(pool.totalCount).toBe(0);
  });

  test('right after a statement was sent reaches it too', async () => {
    for (let round = 0; round < 10; round += 1) {
      const stop = new AbortController();
      const work = withPinnedClient(
        db.pool(),
        { clock: systemClock, signal: stop.signal },
        (client) => {
          const sleeping = client.query('select pg_sleep(60)');
          stop.abort();
          return sleeping;
        },
      );
      expect(await errorOf(work)).toMatchObject({ code: '57014' });
    }
  });

  test('that overtakes its statement on the way to the server is repeated', async () => {
    const pool = db.pool();
    const client = await pool.connect();
    const late: PoolClient = Object.create(client, {
      query: { value: (query: string) => delay(100).then(() => client.query(query)) },
    });
    const stop = new AbortController();
    const work = withPinnedClient(
      { connect: () => Promise.resolve(late) },
      { clock: systemClock, signal: stop.signal },
      (pinned) => {
        const sleeping = pinned.query('select pg_sleep(60)');
        stop.abort();
        return sleeping;
      },
    );
    expect(await errorOf(work)).toMatchObject({ code: '57014' });
  });

  test('while the pool has no client gives up at once, and the client that comes later goes back', async () => {
    const pool = db.pool({ max: 1 });
    const taken = await pool.connect();
    const stop = new AbortController();
    const waiting = errorOf(
      withPinnedClient(pool, { clock: systemClock, signal: stop.signal }, () =>
        Promise.resolve('never'),
      ),
    );
    stop.abort();
    expect(await waiting).toBe(stop.signal.reason);
    const released = once(pool, 'release');
    taken.release();
    await released;
    await expect.poll(() => pool.idleCount).toBe(1);
  });
});

test('a cut ends a statement that nothing else ends', async () => {
  const cut = new AbortController();
  const pool = db.pool();
  const work = withPinnedClient(pool, { clock: systemClock, signal, cut: cut.signal }, (client) =>
    client.finish('select pg_sleep(60)'),
  );
  const failing = errorOf(work);
  await untilSleeping();
  cut.abort();
  expect(String(await failing)).toMatch(/terminated/);
  expect(pool.totalCount).toBe(0);
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
  );
});

test('a cancel request to a server that is gone, or from a client without one, is nothing', async () => {
  await expect(sendCancelRequest({})).resolves.toBeUndefined();
  const gone = { host: '127.0.0.1', port: 1, processID: 1, secretKey: 1 };
  await expect(sendCancelRequest(gone)).resolves.toBeUndefined();
});

test('a pool that answers with promises only will do', async () => {
  const client = { query: () => Promise.resolve({ rows: [] }), release: () => undefined };
  const pool = { connect: () => Promise.resolve(client as unknown as PoolClient) };
  expect(
    await withPinnedClient(pool, { clock: systemClock, signal }, (pinned) =>
      pinned.query('select 1'),
    ),
  ).toEqual({
    rows: [],
  });
});

async function untilSleeping(): Promise<void> {
  for (;;) {
    const { rowCount } = await db.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    );
    if (rowCount === 1) return;
  }
}
