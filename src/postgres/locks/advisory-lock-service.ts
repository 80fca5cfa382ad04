import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { AdvisoryLock, HeldLock, LockOptions } from '../../core/core-services.ts';
import { formatDuration, toMilliseconds } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import { onAbort, growPause, sleep, spread, untilAborted } from '../../core/patience.ts';
import { isConnectionLost, isWorthWaiting } from '../connection/connection-error.ts';
import { LockSession, type LockSessionOptions } from './lock-session.ts';

interface AdvisoryLocksParts extends LockSessionOptions {
  readonly clock: Clock;
}

const pauses = { firstMs: 50, longestMs: 1_000 };
const theBootHasEnded = 'the boot has ended';

/**
 * The locks of one boot, all on one connection that is opened for the first of them. The pool has no part in it: a worker
 * that holds a lock would wait for a second client that all the other lock holders have.
 */
export class AdvisoryLocks {
  readonly #parts: AdvisoryLocksParts;
  /** A session takes one key twice, so that two holders in one process have to be kept apart here. */
  readonly #keys = new Set<string>();
  readonly #ended = new AbortController();
  #session: Promise<LockSession> | undefined;

  constructor(parts: AdvisoryLocksParts) {
    this.#parts = parts;
  }

  /** The service as one plugin has it: when `life` is aborted, it waits for nothing any more. */
  serviceFor(life: AbortSignal): AdvisoryLock {
    return {
      tryLock: (key) => this.#tryLockFor(key, life),
      withLock: (key, work, options) => this.#withLock(key, work, options ?? {}, life),
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
    const held = await this.#tryLock(key);
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
      const held = await this.#waitForLock(key, waitMs, given);
      try {
        const result = await withEither([given, held.signal], work);
        held.signal.throwIfAborted();
        return result;
      } finally {
        await held.release();
      }
    });
  }

  async #waitForLock(key: string, waitMs: number, signal: AbortSignal): Promise<HeldLock> {
    const { clock, connectWaitMs } = this.#parts;
    const began = clock.elapsed();
    let isWaiting = false;
    let awayAt: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const held = await this.#tryUnlessAborted(key, signal);
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
      if (leftMs <= 0) throw lockTimeout(key, waitMs);
      await sleep(clock, Math.min(spread(growPause(attempt, pauses)), leftMs), signal);
    }
  }

  /** An abort does not wait for a server that does not answer. A lock that comes later is released. */
  async #tryUnlessAborted(key: string, signal: AbortSignal): Promise<HeldLock | undefined> {
    signal.throwIfAborted();
    const trying = this.#tryLock(key);
    try {
      return await untilAborted(trying, signal);
    } catch (error) {
      void trying.then((held) => held?.release()).catch(() => undefined);
      throw error;
    }
  }

  async #tryLock(key: string): Promise<HeldLock | undefined> {
    this.#ended.signal.throwIfAborted();
    if (this.#keys.has(key)) return undefined;
    this.#keys.add(key);
    try {
      const session = await this.#take(key);
      if (session) return this.#hold(key, session);
    } catch (error) {
      this.#keys.delete(key);
      throw error;
    }
    this.#keys.delete(key);
    return undefined;
  }

  /** The session that has the lock now. One that broke unnoticed held nothing of it: then another is asked. */
  async #take(key: string, isSecond = false): Promise<LockSession | undefined> {
    const session = await this.#connect();
    try {
      return (await session.tryLock(lockKey(key))) ? session : undefined;
    } catch (error) {
      if (isSecond || !isConnectionLost(error)) throw error;
      return this.#take(key, true);
    }
  }

  #hold(key: string, session: LockSession): HeldLock {
    const lost = new AbortController();
    const leave = onAbort(session.lost, () => {
      const { message } = toError(
        this.#ended.signal.aborted ? theBootHasEnded : session.lost.reason,
      );
      lost.abort(new BootError('LOCK_LOST', `The lock ${key} was lost: ${message}`));
    });
    const giveBack = async (): Promise<void> => {
      leave();
      await session.unlock(lockKey(key));
      this.#keys.delete(key);
    };
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= giveBack());
    return { signal: lost.signal, release, [Symbol.asyncDispose]: release };
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

/** The first 8 bytes, big-endian and signed, of SHA-256 of `slipway:lock:<key>`: apart from the keys of migrations. */
function lockKey(key: string): bigint {
  return createHash('sha256').update(`slipway:lock:${key}`).digest().readBigInt64BE(0);
}

/** `AbortSignal.any` would stay on a signal that lives as long as the plugin, once for every lock it ever takes. */
async function withEither<T>(
  signals: readonly AbortSignal[],
  use: (either: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const leaving = signals.map((signal) => onAbort(signal, () => either.abort(signal.reason)));
  try {
    return await use(either.signal);
  } finally {
    for (const leave of leaving) leave();
  }
}

function lockTimeout(key: string, waitMs: number): BootError {
  const message = `The lock ${key} stayed taken for ${formatDuration(waitMs)}`;
  return new BootError('LOCK_TIMEOUT', message);
}
