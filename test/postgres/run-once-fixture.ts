import { afterEach } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { AdvisoryLock } from '../../src/core/core-services.ts';
import type { DatabaseSource } from '../../src/postgres/connection/connection.ts';
import { AdvisoryLocks } from '../../src/postgres/locks/advisory-lock-service.ts';
import type { Database } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';

/** A process with its locks, whose plugin `shop` is asked to stop with `life`. */
export interface Replica {
  readonly locks: AdvisoryLock;
  /** The locks of another plugin of the same process. */
  readonly others: AdvisoryLock;
  readonly life: AbortController;
  /** Ends its connection before the end of the test. */
  close(): Promise<void>;
}

/** Gives a test file replicas whose connections end after each test. Call it after `useDatabase()`. */
export function useReplicas(
  db: Database,
): (source?: DatabaseSource, pooler?: 'session') => Replica {
  const open: AdvisoryLocks[] = [];
  afterEach(async () => {
    for (const locks of open.splice(0)) await locks.close();
  });
  return (source = db.url, pooler?: 'session') => {
    const locks = new AdvisoryLocks({
      source,
      clock: systemClock,
      connectWaitMs: 10_000,
      pooler,
      app: { name: 'shop', version: '1.2.3' },
    });
    open.push(locks);
    const life = new AbortController();
    const others = locks.serviceFor(new AbortController().signal, 'billing');
    return {
      locks: locks.serviceFor(life.signal, 'shop'),
      others,
      life,
      close: () => locks.close(),
    };
  };
}

/** Work that stands still until it is let go. */
export function heldWork() {
  const began = deferred<AbortSignal>();
  const end = deferred<string>();
  const work = (signal: AbortSignal): Promise<string> => {
    began.resolve(signal);
    return end.promise;
  };
  const finish = (value: string): void => end.resolve(value);
  const fail = (reason: Error): void => end.reject(reason);
  return { work, began: began.promise, finish, fail };
}

/** Resolves when so many sessions have been refused the lock of a run, and poll for it. */
export async function untilRefused({ query, name }: Database, count: number): Promise<void> {
  for (;;) {
    const { rows } = await query(
      `select from pg_stat_activity where datname = $1 and application_name like 'slipway/locks@%'
       and state = 'idle' and query like 'select pg_try_advisory_lock%'`,
      [name],
    );
    if (rows.length === count) return;
  }
}

/** The sessions of the locks of all replicas. */
export async function lockPids({ query, name }: Database): Promise<readonly number[]> {
  const { rows } = await query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = $1 and application_name like 'slipway/locks@%' order by backend_start`,
    [name],
  );
  return rows.map(({ pid }) => pid);
}
