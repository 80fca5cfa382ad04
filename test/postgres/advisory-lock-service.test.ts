import { getEventListeners, once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { AdvisoryLock } from '../../src/core/core-services.ts';
import { AdvisoryLocks } from '../../src/postgres/locks/advisory-lock-service.ts';
import type { DatabaseSource } from '../../src/postgres/connection/connection.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { startProxy } from '../support/proxy.ts';
import { startSilentServer } from '../support/silent-server.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const connectWaitMs = 10_000;
const open: AdvisoryLocks[] = [];
afterEach(async () => {
  for (const locks of open.splice(0)) await locks.close();
});

/** The locks of one process. */
function processOf(source: DatabaseSource = db.url): AdvisoryLocks {
  const locks = new AdvisoryLocks({ source, clock: systemClock, connectWaitMs });
  open.push(locks);
  return locks;
}
const alive = new AbortController().signal;
const locksOf = (source?: DatabaseSource): AdvisoryLock =>
  processOf(source).serviceFor(alive, 'shop');

async function lockSessions(): Promise<readonly number[]> {
  const { rows } = await db.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name like 'slipway/locks@%' and datname = $1",
    [db.name],
  );
  return rows.map(({ pid }) => pid);
}

describe('a lock', () => {
  test('that is given back leaves no listener on the life of its plugin', async () => {
    const { signal } = new AbortController();
    const locks = processOf().serviceFor(signal, 'shop');
    await (await locks.tryLock('shop.job'))?.release();
    await locks.withLock('shop.job', () => undefined);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test.each(['in two processes', 'in one process'])(
    'excludes two that want it %s',
    async (where) => {
      const a = locksOf();
      const b = where === 'in one process' ? a : locksOf();
      let inside = 0;
      let most = 0;
      let total = 0;
      const count = async (): Promise<void> => {
        inside += 1;
        most = Math.max(most, inside);
        await db.query('select 1');
        total += 1;
        inside -= 1;
      };
      await Promise.all([a, b, a, b, a, b].map((locks) => locks.withLock('shop.job', count)));
      expect([most, total]).toEqual([1, 6]);
    },
  );

  test('is refused while it is held, and free after it is given back, any number of times', async () => {
    const [a, b] = [locksOf(), locksOf()];
    const held = await a.tryLock('shop.leader');
    expect(await b.tryLock('shop.leader')).toBeUndefined();
    expect(await a.tryLock('shop.leader')).toBeUndefined();
    await Promise.all([held?.release(), held?.release()]);
    const second = await b.tryLock('shop.leader');
    await held?.release();
    expect(await a.tryLock('shop.leader')).toBeUndefined();
    await second?.release();
    expect(held?.signal.aborted).toBe(false);
  });

  test('is given back when the work throws, and the error is that of the work', async () => {
    const locks = locksOf();
    const failing = locks.withLock('shop.job', () => Promise.reject(new Error('no paper')));
    await expect(failing).rejects.toThrow('no paper');
    expect(await locks.withLock('shop.job', () => 'done', { wait: 0 })).toBe('done');
  });

  test('of another key is another lock', async () => {
    const locks = locksOf();
    const both = await locks.withLock('a', () => locks.withLock('b', () => 'both', { wait: 0 }));
    expect(both).toBe('both');
  });

  test.each([0, 20])('that stays taken for %i ms is a timeout', async (wait) => {
    const locks = locksOf();
    const held = await locksOf().tryLock('shop.job');
    await expect(locks.withLock('shop.job', () => 'done', { wait })).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: `The lock shop.job stayed taken for ${wait}ms`,
    });
    await held?.release();
  });

  test('with a wrong wait is refused', async () => {
    const wrong = locksOf().withLock('a', () => 1, { wait: 'soon' as never });
    await expect(wrong).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
  });
});

describe('waiting', () => {
  test('ends with the reason of its signal, and of the life of the plugin', async () => {
    const held = await locksOf().tryLock('shop.job');
    const life = new AbortController();
    const own = new AbortController();
    const locks = processOf().serviceFor(life.signal, 'shop');
    const byOwn = locks.withLock('shop.job', () => 1, { signal: own.signal });
    const byLife = locks.withLock('shop.job', () => 1);
    own.abort(new Error('enough'));
    await expect(byOwn).rejects.toThrow('enough');
    life.abort(new Error('the plugin stops'));
    await expect(byLife).rejects.toThrow('the plugin stops');
    await expect(locks.withLock('free', () => 1)).rejects.toThrow('the plugin stops');
    await held?.release();
  });

  test('polls: nobody ever blocks inside PostgreSQL', async () => {
    const held = await locksOf().tryLock('shop.job');
    const waiting = locksOf().withLock('shop.job', () => 'got it');
    await expect.poll(lockSessions).toHaveLength(2);
    for (let look = 0; look < 20; look += 1) {
      const { rows } = await db.query(
        "select 1 from pg_locks where not granted and locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
      );
      expect(rows).toEqual([]);
    }
    await held?.release();
    expect(await waiting).toBe('got it');
  });
});

describe('a waiter', () => {
  test('whose session is ended waits on, on another one', async () => {
    const [a, b] = [locksOf(), locksOf()];
    const held = await a.tryLock('shop.job');
    const [holder] = await lockSessions();
    const waiting = b.withLock('shop.job', () => 'my turn');
    for (let round = 0; round < 3; round += 1) {
      await expect.poll(lockSessions).toHaveLength(2);
      const pid = (await lockSessions()).find((each) => each !== holder);
      await db.query('select pg_terminate_backend($1)', [pid]);
      await expect.poll(lockSessions).not.toContain(pid);
    }
    await held?.release();
    expect(await waiting).toBe('my turn');
  });

  test('that only tries gets an answer of a new session, when its own has ended unnoticed', async () => {
    const proxy = await startProxy(db.url);
    const locks = locksOf(proxy.url);
    await locks.withLock('shop.job', () => 1);
    // Both are sent in one tick: the second session is asked because the first one broke under the question.
    const trying = locks.tryLock('shop.job');
    proxy.reset();
    const held = await trying;
    expect(held).toBeDefined();
    await held?.release();
    await proxy.close();
  });
});

describe('a holder that dies', () => {
  test('frees its locks, hears of it, and cannot take its work for done', async () => {
    const [a, b] = [locksOf(), locksOf()];
    const began = deferred();
    const lost = deferred<unknown>();
    const working = a.withLock('shop.job', async (signal) => {
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      began.resolve();
      await aborted;
      lost.resolve(signal.reason);
      return 'done twice';
    });
    const refused = errorOf(working);
    await began.promise;
    const [pid] = await lockSessions();
    const after = b.withLock('shop.job', () => 'my turn');
    await db.query('select pg_terminate_backend($1)', [pid]);
    expect(await lost.promise).toMatchObject({ code: 'LOCK_LOST' });
    expect(await refused).toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringContaining('The lock shop.job was lost') as string,
    });
    expect(await after).toBe('my turn');
    expect(await a.withLock('shop.job', () => 'connected again')).toBe('connected again');
  });
});

describe('the connection', () => {
  test('that a silent server does not make is not waited for at the end', async () => {
    const silent = await startSilentServer();
    const locks = processOf(silent.url);
    const trying = errorOf(locks.serviceFor(alive, 'shop').tryLock('a'));
    await silent.connected;
    await locks.close();
    expect(await trying).toBeInstanceOf(Error);
    await silent.close();
  });

  test('is one for all locks, opened for the first, and none of the pool that the work uses', async () => {
    const pool = db.pool({ max: 1 });
    const locks = processOf(pool);
    const service = locks.serviceFor(alive, 'shop');
    expect(await lockSessions()).toEqual([]);
    const rows = await service.withLock('a', () =>
      service.withLock('b', async () => (await pool.query('select 1 as one')).rows),
    );
    expect(rows).toEqual([{ one: 1 }]);
    expect(await lockSessions()).toHaveLength(1);
    expect(pool.totalCount).toBe(1);
    await locks.close();
    await expect.poll(lockSessions).toEqual([]);
  });

  test('ends with the boot, and frees what is still held', async () => {
    const locks = processOf();
    const held = await locks.serviceFor(alive, 'shop').tryLock('shop.leader');
    await locks.close();
    expect(held?.signal.reason).toMatchObject({
      code: 'LOCK_LOST',
      message: 'The lock shop.leader was lost: the boot has ended',
    });
    await held?.release();
    await expect(locks.serviceFor(alive, 'shop').tryLock('shop.leader')).rejects.toMatchObject({
      code: 'LOCK_LOST',
    });
    const next = await locksOf().tryLock('shop.leader');
    expect(next).toBeDefined();
    await next?.release();
  });

  test('that cannot be made fails the lock, and is tried again for the next', async () => {
    const wrong = locksOf('postgres://nobody@127.0.0.1:1/nowhere');
    for (let round = 0; round < 2; round += 1) {
      await expect(wrong.withLock('a', () => 1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });

  test('through a transaction pooler is refused, unless the pooler keeps sessions', async () => {
    const pooler = await startAnnouncing(1);
    const refused = await errorOf(locksOf(pooler.url).withLock('a', () => 1));
    expect(refused).toMatchObject({ code: 'POOLER_UNSUPPORTED' });
    const locks = new AdvisoryLocks({
      source: pooler.url,
      clock: systemClock,
      pooler: 'session',
      connectWaitMs,
    });
    open.push(locks);
    expect(await locks.serviceFor(alive, 'shop').withLock('a', () => 'held')).toBe('held');
    await locks.close();
    await pooler.stop();
  });
});

/** Passes everything on, and announces the backends as a pooler does: with a process id of its own. */
async function startAnnouncing(processId: number) {
  const upstream = new URL(db.url);
  const server = createServer((client) => {
    const backend = connect(Number(upstream.port), upstream.hostname);
    let isAnnounced = false;
    client.pipe(backend);
    backend.on('data', (answer) => {
      const at = isAnnounced ? -1 : answer.indexOf(backendKeyData);
      if (at >= 0) answer.writeInt32BE(processId, at + backendKeyData.length);
      isAnnounced ||= at >= 0;
      client.write(answer);
    });
    backend.on('close', () => client.destroy());
    for (const socket of [client, backend]) socket.on('error', () => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(db.url);
  url.port = String((server.address() as AddressInfo).port);
  const stop = async (): Promise<void> => void (await once(server.close(), 'close'));
  return { url: url.href, stop };
}

/** The head of PostgreSQL's message: its letter, and its length of 12 bytes. */
const backendKeyData = Buffer.from([0x4b, 0, 0, 0, 12]);
