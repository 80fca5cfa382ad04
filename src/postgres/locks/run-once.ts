import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import type { OnceResult, RunOnceOptions } from '../../core/core-services.ts';
import { BootError, optionsInvalid } from '../../core/errors.ts';
import { duration, group, maybe, oneOf, text, type Check } from '../../core/expect.ts';
import { isInstance } from '../../core/foreign-value.ts';
import { untilAborted, withEither } from '../../core/patience.ts';
import {
  hashLockName,
  type LockSession,
  type NamedLock,
  type SessionLock,
} from './lock-session.ts';
import { expectWritable, readOnce, writeOnce, type OnceRun } from './once-table.ts';

/** The locks of a boot, as a run needs them. */
export interface OnceLocks {
  readonly clock: Clock;
  readonly app: OnceRun['app'];
  /** Asks on the connection of the locks, and on a new one when it broke unnoticed. */
  ask<T>(use: (session: LockSession) => Promise<T>): Promise<T>;
  tryUnlessAborted(lock: NamedLock, signal: AbortSignal): Promise<SessionLock | undefined>;
  waitForLock(lock: NamedLock, waitMs: number, signal: AbortSignal): Promise<SessionLock>;
}

/** The plugin that calls; `life` is aborted when it is to stop. */
export interface OnceCaller {
  readonly plugin: string;
  readonly life: AbortSignal;
}

/** A run under way, and the one whose work has called it. */
interface Run {
  readonly locks: OnceLocks;
  readonly key: string;
  readonly outer: Run | undefined;
  isOver: boolean;
}

const current = new AsyncLocalStorage<Run>();

/**
 * Runs `work` unless another caller does, as {@link AdvisoryLock.runOnce} describes it.
 *
 * A run that ended well gives its row a new id before it releases the lock. A caller reads the id first; when it gets the lock
 * and the id is another one, then a run has ended since it asked. No clock is compared, and a run that failed leaves the id.
 */
export async function runOnce<T>(
  locks: OnceLocks,
  { plugin, life }: OnceCaller,
  key: string,
  work: (signal: AbortSignal) => T | Promise<T>,
  options: RunOnceOptions,
): Promise<OnceResult<T>> {
  checkKey(key, 'the key of runOnce()');
  if (typeof work !== 'function') throw optionsInvalid('the work of runOnce()', 'a function', work);
  const { others, wait, remember, signal } = checkOptions(options, 'options');
  if (others === 'skip' && wait !== undefined) {
    throw optionsInvalid('options.wait', "left out with others: 'skip', which never waits", wait);
  }
  expectNotNested(locks, key);
  const lock = { id: hashLockName(`slipway:once:${key}`), name: `of runOnce ${key}` };

  return withEither([life, ...(signal ? [signal] : [])], async (given) => {
    given.throwIfAborted();
    const before = await untilAborted(
      locks.ask((session) => readOnce(session, key, remember ?? 0)),
      given,
    );
    if (remember !== undefined && before?.isRemembered) return { outcome: 'remembered' };
    const held = await (others === 'skip'
      ? locks.tryUnlessAborted(lock, given)
      : locks.waitForLock(lock, wait ?? Number.POSITIVE_INFINITY, given));
    if (!held) return { outcome: 'skipped' };
    try {
      const now = await unlessLost(held, readOnce(held.session, key, remember ?? 0));
      if (now && now.run !== null && now.run !== before?.run) return { outcome: 'waited' };
      await unlessLost(held, expectWritable(held.session, now));
      const began = locks.clock.elapsed();
      const value = await runToItsEnd({ locks, key }, [given, held.signal], work);
      const run = {
        key,
        durationMs: locks.clock.elapsed() - began,
        isRemembered: remember !== undefined,
        plugin,
        host: hostname(),
        pid: process.pid,
        app: locks.app,
      };
      if (!(await unlessLost(held, writeOnce(held.session, lock.id, run)))) throw notHeld(key);
      return { outcome: 'ran', value };
    } finally {
      await held.release();
    }
  });
}

/** When the connection of the lock breaks under a question, the error is that of the lost lock. */
async function unlessLost<T>(held: SessionLock, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    held.signal.throwIfAborted();
    throw error;
  }
}

/** Work that returns after its signal was aborted may have given up halfway: it does not count. */
function runToItsEnd<T>(
  { locks, key }: Pick<Run, 'locks' | 'key'>,
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  return withEither(signals, async (signal) => {
    signal.throwIfAborted();
    const run: Run = { locks, key, outer: current.getStore(), isOver: false };
    try {
      const value = await current.run(run, () => work(signal));
      signal.throwIfAborted();
      return value;
    } finally {
      run.isOver = true;
    }
  });
}

/** @throws BootError `LOCK_NESTED`. Code that the work has started may outlive it, and may then call again. */
function expectNotNested(locks: OnceLocks, key: string): void {
  for (let run = current.getStore(); run; run = run.outer) {
    if (run.locks !== locks || run.key !== key || run.isOver) continue;
    throw new BootError('LOCK_NESTED', `runOnce ${key} was called inside of its own work`);
  }
}

function notHeld(key: string): BootError {
  const message = `The lock of runOnce ${key} was lost: its session does not hold it any more`;
  return new BootError('LOCK_LOST', message);
}

/** The key is the primary key of a table, and stands in messages. */
const checkKey = text(/^[^\p{Cc}\p{Cs}]{1,255}$/u, 'a text of 1 to 255 printable characters');

/** For how long, in ms; `undefined` for not at all. */
const checkRemember: Check<number | undefined> = (value, name) => {
  if (typeof value !== 'boolean') return duration(value, name);
  return value ? Number.POSITIVE_INFINITY : undefined;
};

const checkSignal: Check<AbortSignal> = (value, name) => {
  if (isInstance(value, AbortSignal)) return value;
  throw optionsInvalid(name, 'an AbortSignal', value);
};

const checkOptions = group({
  others: [oneOf('wait', 'skip'), 'wait'],
  wait: [maybe(duration), undefined],
  remember: [checkRemember, false],
  signal: [maybe(checkSignal), undefined],
});
