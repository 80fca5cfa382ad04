import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { OnceResult } from '../../src/core/core-services.ts';
import { useDatabase } from '../support/database.ts';
import { startSilentServer } from '../support/silent-server.ts';
import { errorOf } from './migration-fixture.ts';
import { heldWork, lockPids, untilRefused, useReplicas } from './run-once-fixture.ts';

const db = useDatabase();
const startReplica = useReplicas(db);
const outcomes = (results: readonly OnceResult<unknown>[]): readonly string[] =>
  results.map(({ outcome }) => outcome).toSorted();

async function rowsOf(key: string): Promise<readonly object[]> {
  const { rows } = await db.query<object>(
    `select key, remembered, plugin, host, pid, app, app_version, duration_ms >= 0 as lasted,
       abs(extract(epoch from now() - ended_at)) < 60 as recent from slipway.once where key = $1`,
    [key],
  );
  return rows;
}

describe('calls that overlap', () => {
  test('run the work once: the others wait for its end, and do not run it again', async () => {
    const key = 'shop.overlap';
    const [a, b, c] = [startReplica(), startReplica(), startReplica()];
    const { work, began, finish } = heldWork();
    const running = a.locks.runOnce(key, work);
    await began;
    const again = (): never => expect.unreachable('the work ran twice');
    const waiting = [b.locks, c.locks, a.locks, a.others].map((locks) => locks.runOnce(key, again));
    await untilRefused(db, 2);
    finish('seeded');
    expect(await running).toEqual({ outcome: 'ran', value: 'seeded' });
    expect(outcomes(await Promise.all(waiting))).toEqual(Array(4).fill('waited'));
  });

  test('run the work again when the run fails: its error is that of its own caller', async () => {
    const key = 'shop.failing';
    const [a, b, c] = [startReplica(), startReplica(), startReplica()];
    const { work, began, fail } = heldWork();
    const failing = errorOf(a.locks.runOnce(key, work, { remember: true }));
    await began;
    const waiting = [b, c].map(({ locks }) => locks.runOnce(key, () => 1, { remember: true }));
    await untilRefused(db, 2);
    fail(new Error('no plans'));
    expect(await failing).toMatchObject({ message: 'no plans' });
    expect(outcomes(await Promise.all(waiting))).toEqual(['ran', 'waited']);
  });

  test('run the work again when the session of the run dies, whose caller hears of it', async () => {
    const key = 'shop.dying';
    const [a, b, c] = [startReplica(), startReplica(), startReplica()];
    const { work, began, finish } = heldWork();
    const dying = errorOf(a.locks.runOnce(key, work, { remember: true }));
    const signal = await began;
    const [pid] = await lockPids(db);
    const waiting = [b, c].map(({ locks }) => locks.runOnce(key, () => 1, { remember: true }));
    await untilRefused(db, 2);
    const lost = new Promise((resolve) => signal.addEventListener('abort', resolve));
    await db.query('select pg_terminate_backend($1)', [pid]);
    await lost;
    finish('too late');
    const message = expect.stringContaining(`The lock of runOnce ${key} was lost`) as string;
    expect(await dying).toMatchObject({ code: 'LOCK_LOST', message });
    expect(outcomes(await Promise.all(waiting))).toEqual(['ran', 'waited']);
  });

  test.each(['shop.skip', 'shop.skip-remembered'])(
    'skip it at once if they are told to: %s',
    async (key) => {
      const [a, b] = [startReplica(), startReplica()];
      const remember = key.endsWith('remembered');
      const { work, began, finish } = heldWork();
      const running = a.locks.runOnce(key, work, { remember });
      await began;
      const skip = { others: 'skip', remember } as const;
      for (const { locks } of [a, b]) {
        expect(await locks.runOnce(key, () => 1, skip)).toEqual({ outcome: 'skipped' });
      }
      finish('seeded');
      await running;
    },
  );

  test('wait no longer than they are told to, and no longer than their plugin lives', async () => {
    const key = 'shop.patience';
    const [a, b] = [startReplica(), startReplica()];
    const { work, began, finish } = heldWork();
    const running = a.locks.runOnce(key, work);
    await began;
    await expect(b.locks.runOnce(key, () => 1, { wait: 20 })).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: `The lock of runOnce ${key} stayed taken for 20ms`,
    });
    const own = new AbortController();
    const byOwn = errorOf(b.locks.runOnce(key, () => 1, { signal: own.signal }));
    const byLife = errorOf(b.locks.runOnce(key, () => 1));
    await untilRefused(db, 1);
    own.abort(new Error('enough'));
    b.life.abort(new Error('the plugin stops'));
    expect(await byOwn).toMatchObject({ message: 'enough' });
    expect(await byLife).toMatchObject({ message: 'the plugin stops' });
    finish('seeded');
    await running;
  });

  test('of a waiter whose own session ends in between count as one call', async () => {
    const key = 'shop.waiter';
    const [a, b] = [startReplica(), startReplica()];
    const { work, began, finish } = heldWork();
    const running = a.locks.runOnce(key, work);
    await began;
    const waiting = b.locks.runOnce(key, () => 1);
    await untilRefused(db, 1);
    const [, pid] = await lockPids(db);
    await db.query('select pg_terminate_backend($1)', [pid]);
    await expect.poll(() => lockPids(db)).not.toContain(pid);
    await untilRefused(db, 1);
    finish('seeded');
    await running;
    expect(await waiting).toEqual({ outcome: 'waited' });
  });

  test('run the work when what ended before is forgotten while they wait', async () => {
    const key = 'shop.forgotten';
    const [a, b] = [startReplica(), startReplica()];
    await a.locks.runOnce(key, () => 1);
    const { work, began, fail } = heldWork();
    const failing = errorOf(a.locks.runOnce(key, work));
    await began;
    const waiting = b.locks.runOnce(key, () => 2);
    await untilRefused(db, 1);
    await db.query('delete from slipway.once where key = $1', [key]);
    fail(new Error('no plans'));
    await failing;
    expect(await waiting).toEqual({ outcome: 'ran', value: 2 });
  });

  test('end with their signal also when the server does not answer', async () => {
    const silent = await startSilentServer();
    const own = new AbortController();
    const asking = errorOf(
      startReplica(silent.url).locks.runOnce('a', () => 1, { signal: own.signal }),
    );
    await silent.connected;
    own.abort(new Error('enough'));
    expect(await asking).toMatchObject({ message: 'enough' });
    await silent.close();
  });

  test('of other keys, and a lock of the same key, are not in the way', async () => {
    const { locks } = startReplica();
    const nested = await locks.runOnce('shop.a', () =>
      locks.withLock('shop.a', () => locks.runOnce('shop.b', () => 7)),
    );
    expect(nested).toEqual({ outcome: 'ran', value: { outcome: 'ran', value: 7 } });
  });
});

test('of many calls at any time no two run at once, and each that waited was served by a run after it', async () => {
  const replicas = Array.from({ length: 5 }, () => startReplica());
  const calls = replicas.flatMap(({ locks, others }) => [locks, others, locks, others]);
  let runs = 0;
  let inside = 0;
  let most = 0;
  let ended = 0;
  const work = async (): Promise<void> => {
    runs += 1;
    most = Math.max(most, (inside += 1));
    const isFailing = runs % 3 === 0;
    await db.query('select 1');
    inside -= 1;
    if (isFailing) throw new Error('every third run');
    ended += 1;
  };
  const outcomesOfCalls = await Promise.all(
    calls.map(async (locks, index) => {
      for (let turn = 0; turn < index; turn += 1) await db.query('select 1');
      const endedBefore = ended;
      const { outcome } = await locks
        .runOnce('shop.storm', work)
        .catch(() => ({ outcome: 'failed' }));
      return outcome === 'waited' && ended === endedBefore ? 'waited for nothing' : outcome;
    }),
  );
  const count = (outcome: string): number =>
    outcomesOfCalls.filter((one) => one === outcome).length;
  expect([most, count('waited for nothing')]).toEqual([1, 0]);
  expect([count('ran'), count('ran') + count('failed')]).toEqual([ended, runs]);
  expect(count('ran') + count('failed') + count('waited')).toBe(calls.length);
});

describe('a later call', () => {
  test('runs the work anew when the run was not to be remembered', async () => {
    const [a, b] = [startReplica(), startReplica()];
    for (const { locks } of [a, b, a]) {
      expect(await locks.runOnce('shop.sweep', () => 1)).toEqual({ outcome: 'ran', value: 1 });
    }
    const remembering = b.locks.runOnce('shop.sweep', () => 2, { remember: true });
    expect(await remembering).toEqual({ outcome: 'ran', value: 2 });
    expect(await rowsOf('shop.sweep')).toHaveLength(1);
  });

  test('finds it remembered, by whom and when, until its row is deleted', async () => {
    const key = 'shop.seed';
    const options = { remember: true } as const;
    expect(await startReplica().locks.runOnce(key, () => 'seeded', options)).toEqual({
      outcome: 'ran',
      value: 'seeded',
    });
    const row = { key, remembered: true, plugin: 'shop', host: hostname(), pid: process.pid };
    const app = { app: 'shop', app_version: '1.2.3' };
    expect(await rowsOf(key)).toEqual([{ ...row, ...app, lasted: true, recent: true }]);
    const later = startReplica().locks;
    expect(await later.runOnce(key, () => 1, options)).toEqual({ outcome: 'remembered' });
    const skip = { ...options, others: 'skip' } as const;
    expect(await later.runOnce(key, () => 1, skip)).toEqual({ outcome: 'remembered' });
    await db.query('delete from slipway.once where key = $1', [key]);
    expect(await later.runOnce(key, () => 2, options)).toEqual({ outcome: 'ran', value: 2 });
  });

  test('that does not ask for what is remembered runs it, and it stays remembered', async () => {
    const { locks } = startReplica();
    await locks.runOnce('shop.kept', () => 1, { remember: true });
    expect(await locks.runOnce('shop.kept', () => 2)).toMatchObject({ outcome: 'ran' });
    const asking = locks.runOnce('shop.kept', () => 3, { remember: true });
    expect(await asking).toEqual({ outcome: 'remembered' });
  });

  test('finds it remembered for a time after its end, and runs it then', async () => {
    const { locks } = startReplica();
    const hourly = { remember: '1h' } as const;
    await locks.runOnce('shop.hourly', () => 1, hourly);
    const soon = locks.runOnce('shop.hourly', () => 2, hourly);
    expect(await soon).toEqual({ outcome: 'remembered' });
    await db.query(
      `update slipway.once set ended_at = ended_at - interval '61 min' where key = 'shop.hourly'`,
    );
    const forGood = locks.runOnce('shop.hourly', () => 2, { remember: true });
    expect(await forGood).toEqual({ outcome: 'remembered' });
    const late = locks.runOnce('shop.hourly', () => 2, hourly);
    expect(await late).toEqual({ outcome: 'ran', value: 2 });
  });

  test('clears away the rows that no waiter needs any more', async () => {
    const { locks } = startReplica();
    await locks.runOnce('shop.old', () => 1);
    await locks.runOnce('shop.old-seed', () => 1, { remember: true });
    await db.query(`update slipway.once set ended_at = ended_at - interval '25 h'`);
    await locks.runOnce('shop.new', () => 1);
    expect(await rowsOf('shop.old')).toEqual([]);
    expect(await rowsOf('shop.old-seed')).toHaveLength(1);
  });
});

describe('work', () => {
  test.each(['its life', 'its signal'])(
    'that returns after %s was aborted does not count, because it may have given up',
    async (which) => {
      const key = `shop.aborted by ${which}`;
      const a = startReplica();
      const own = new AbortController();
      const { work, began, finish } = heldWork();
      const options = { signal: own.signal, remember: true } as const;
      const aborted = errorOf(a.locks.runOnce(key, work, options));
      const signal = await began;
      (which === 'its life' ? a.life : own).abort(new Error('stop'));
      expect(signal.reason).toMatchObject({ message: 'stop' });
      const next = startReplica().locks.runOnce(key, () => 2, { remember: true });
      await untilRefused(db, 1);
      finish('half of it');
      expect(await aborted).toMatchObject({ message: 'stop' });
      expect(await next).toEqual({ outcome: 'ran', value: 2 });
    },
  );

  test('that throws at once is not remembered', async () => {
    const { locks } = startReplica();
    const failing = locks.runOnce(
      'shop.throws',
      () => {
        throw new Error('at once');
      },
      { remember: true },
    );
    await expect(failing).rejects.toThrow('at once');
    expect(await rowsOf('shop.throws')).toEqual([]);
  });

  test('that calls for itself is an error, and not a deadlock; also through another key', async () => {
    const { locks, others } = startReplica();
    const nested = locks.runOnce('shop.self', () => locks.runOnce('shop.self', () => 1));
    await expect(nested).rejects.toMatchObject({
      code: 'LOCK_NESTED',
      message: 'runOnce shop.self was called inside of its own work',
    });
    const around = locks.runOnce('shop.self', () =>
      others.runOnce('shop.other', () => locks.runOnce('shop.self', () => 1)),
    );
    await expect(around).rejects.toMatchObject({ code: 'LOCK_NESTED' });
  });

  test('may leave something running that calls again after its end', async () => {
    const { locks } = startReplica();
    let later: Promise<OnceResult<number>> | undefined;
    const { began, work, finish } = heldWork();
    await locks.runOnce('shop.again', () => {
      later = work(new AbortController().signal).then(async () => {
        await setImmediate();
        return locks.runOnce('shop.again', () => 2);
      });
    });
    await began;
    finish('');
    expect(await later).toEqual({ outcome: 'ran', value: 2 });
  });
});
