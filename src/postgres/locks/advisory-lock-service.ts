import type { Clock } from '../../core/clock.ts';
import type { AdvisoryLock, HeldLock, LockOptions } from '../../core/core-services.ts';
import { formatDuration, toMilliseconds } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import {
  onAbort,
  growPause,
  sleep,
  spread,
  untilAborted,
  withEither,
} from '../../core/patience.ts';
import { isConnectionLost, isWorthWaiting } from '../connection/connection-error.ts';
import {
  hashLockName,
  LockSession,
  type LockSessionOptions,
  type NamedLock,
  type SessionLock,
} from './lock-session.ts';
import type { OnceRun } from './once-table.ts';
import { runOnce, type OnceLocks } from './run-once.ts';

interface AdvisoryLocksParts extends LockSessionOptions {
  readonly clock: Clock;
  /** The application, for the runs that are written down. */
  readonly app?: OnceRun['app'];
}

const pauses = { firstMs: 50, longestMs: 1_000 };
const theBootHasEnded = 'the boot has ended';

/**
 * The locks of one boot, all on one connection that is opened for the first of them. The pool has no part in it: a worker
 * that holds a lock would wait for a second client that all the other lock holders have.
 */
export class AdvisoryLocks implements OnceLocks {
  readonly clock: Clock;
  readonly app: OnceRun['app'];
  readonly #parts: AdvisoryLocksParts;
  /** A session takes one key twice, so that two holders in one process have to be kept apart here. */
  readonly #taken = new Set<bigint>();
  readonly #ended = new AbortController();
  #session: Promise<LockSession> | undefined;

  constructor(parts: AdvisoryLocksParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.app = parts.app;
  }

  /** The service as one plugin has it: when `life` is aborted, it waits for nothing any more. */
  serviceFor(life: AbortSignal, plugin: string): AdvisoryLock {
    return {
      tryLock: (key) => this.#tryLockFor(key, life),
      withLock: (key, work, options) => this.#withLock(key, work, options ?? {}, life),
      runOnce: (key, work, options) => runOnce(this, { plugin, life }, key, work, options ?? {}),
    };
  }

  /** Lets go of every lock; there are none afterwards. */
  async close(): Promise<void> {
    this.#ended.abort(new BootError('LOCK_LOST', `No lock can be taken: ${theBootHasEnded}`));
    const session = await this.#session?.catch(() => undefined);
    await session?.end();
  }

  /** A lock does not outlive the attempt that took it: the next one would find it taken by itself. */
  async #tryLockFor(key: string, life: AbortSignal): Promise<HeldLock | undefined> {
    const held = await this.#tryLock(nameLock(key));
    if (!held) return undefined;
    const leave = onAbort(life, () => void held.release().catch(() => undefined));
    const release = (): Promise<void> => {
      leave();
      return held.release();
    };
    const signal = AbortSignal.any([held.signal, life]);
    return { signal, release, [Symbol.asyncDispose]: release };
  }

  async #withLock<T>(
    key: string,
    work: (signal: AbortSignal) => T | Promise<T>,
    { wait, signal }: LockOptions,
    life: AbortSignal,
  ): Promise<T> {
    const waitMs = wait === undefined ? Number.POSITIVE_INFINITY : toMilliseconds(wait, 'wait');
    return withEither([life, ...(signal ? [signal] : [])], async (given) => {
      const held = await this.waitForLock(nameLock(key), waitMs, given);
      try {
        const result = await withEither([given, held.signal], work);
        held.signal.throwIfAborted();
        return result;
      } finally {
        await held.release();
      }
    });
  }

  /** @throws BootError `LOCK_TIMEOUT`; the signal's reason. */
  async waitForLock(lock: NamedLock, waitMs: number, signal: AbortSignal): Promise<SessionLock> {
    const { clock, connectWaitMs } = this.#parts;
    const began = clock.elapsed();
    let isWaiting = false;
    let awayAt: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const held = await this.tryUnlessAborted(lock, signal);
        if (held) return held;
        isWaiting = true;
        awayAt = undefined;
      } catch (error) {
        // Before the lock is taken a lost connection takes nothing away.
        if (signal.aborted || !isWaiting || !isWorthWaiting(error)) throw error;
        awayAt ??= clock.elapsed();
        if (clock.elapsed() - awayAt >= connectWaitMs) throw error;
      }
      const leftMs = waitMs - (clock.elapsed() - began);
      if (leftMs <= 0) throw lockTimeout(lock, waitMs);
      await sleep(clock, Math.min(spread(growPause(attempt, pauses)), leftMs), signal);
    }
  }

  /** An abort does not wait for a server that does not answer. A lock that comes later is released. */
  async tryUnlessAborted(lock: NamedLock, signal: AbortSignal): Promise<SessionLock | undefined> {
    signal.throwIfAborted();
    const trying = this.#tryLock(lock);
    try {
      return await untilAborted(trying, signal);
    } catch (error) {
      void trying.then((held) => held?.release()).catch(() => undefined);
      throw error;
    }
  }

  async #tryLock(lock: NamedLock): Promise<SessionLock | undefined> {
    this.#ended.signal.throwIfAborted();
    if (this.#taken.has(lock.id)) return undefined;
    this.#taken.add(lock.id);
    try {
      const session = await this.ask(async (asked) =>
        (await asked.tryLock(lock.id)) ? asked : undefined,
      );
      if (session) return this.#hold(lock, session);
    } catch (error) {
      this.#taken.delete(lock.id);
      throw error;
    }
    this.#taken.delete(lock.id);
    return undefined;
  }

  /** Asks the session of the locks. One that broke unnoticed held nothing of the answer: then another is asked. */
  async ask<T>(use: (session: LockSession) => Promise<T>, isSecond = false): Promise<T> {
    const session = await this.#connect();
    try {
      return await use(session);
    } catch (error) {
      if (isSecond || !isConnectionLost(error)) throw error;
      return this.ask(use, true);
    }
  }

  #hold({ id, name }: NamedLock, session: LockSession): SessionLock {
    const lost = new AbortController();
    const leave = onAbort(session.lost, () => {
      const { message } = toError(
        this.#ended.signal.aborted ? theBootHasEnded : session.lost.reason,
      );
      lost.abort(new BootError('LOCK_LOST', `The lock ${name} was lost: ${message}`));
    });
    const giveBack = async (): Promise<void> => {
      leave();
      await session.unlock(id);
      this.#taken.delete(id);
    };
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= giveBack());
    return { session, signal: lost.signal, release, [Symbol.asyncDispose]: release };
  }

  /** Connects once for all, and again after the connection was lost. */
  async #connect(): Promise<LockSession> {
    const opening = (this.#session ??= LockSession.open(this.#parts, this.#ended.signal));
    const forget = (): void => {
      if (this.#session === opening) this.#session = undefined;
    };
    try {
      const session = await opening;
      if (!session.lost.aborted) return session;
      forget();
    } catch (error) {
      forget();
      throw error;
    }
    return this.#connect();
  }
}

/** Names the lock of a key. Its id is never that of a migration. */
function nameLock(key: string): NamedLock {
  return { id: hashLockName(`slipway:lock:${key}`), name: key };
}

function lockTimeout({ name }: NamedLock, waitMs: number): BootError {
  const message = `The lock ${name} stayed taken for ${formatDuration(waitMs)}`;
  return new BootError('LOCK_TIMEOUT', message);
}
