import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import { readText } from '../../core/foreign-value.ts';
import { deadlineAfter, growPause, sleep } from '../../core/patience.ts';
import { adviceOnConnecting } from './connecting-advice.ts';
import { isWorthWaiting, readSqlState } from './connection-error.ts';
import type { PoolLike } from './connection.ts';
import { checkOutUnlessAborted, type HeldClient } from './held-client.ts';

const pauses = { firstMs: 100, longestMs: 3_000 };

interface WaitingNews {
  /** Counts from 1. */
  readonly attempt: number;
  readonly nextInMs: number;
  readonly error: Error;
}

interface PatienceOptions {
  /** How long to keep trying, in ms; with 0 there is one attempt, as long as it takes. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onWaiting?: (news: WaitingNews) => void;
  /** Called for each message of SQL that is sent on a client of this pool. */
  readonly onStatement?: () => void;
}

/** A pool that waits for a server which is away. It serves one piece of work at a time. */
export interface PatientPool {
  /** @throws BootError `DATABASE_UNREACHABLE`, or the signal's reason. */
  readonly checkOut: () => Promise<HeldClient>;
  /**
   * Waits a little after a connection broke on which nothing had begun.
   *
   * @param attempt The one that broke; counts from 1.
   * @returns Whether there is time for another attempt.
   */
  readonly outlast: (loss: Error, attempt: number) => Promise<boolean>;
  /** Called for each message of SQL that is sent on one of its clients. */
  readonly onStatement?: (() => void) | undefined;
}

/** Makes a {@link PatientPool}: both its connecting and its breaking have `waitMs`. */
export function withPatience(pool: PoolLike, options: PatienceOptions): PatientPool {
  const { waitMs, clock, onStatement } = options;
  let deadline = 0;
  return {
    onStatement,
    checkOut: () => connectWithPatience(pool, options),
    async outlast(error, attempt) {
      if (attempt === 1) deadline = clock.elapsed() + waitMs;
      const leftMs = deadline - clock.elapsed();
      if (leftMs <= 0) return false;
      await pause({ attempt, leftMs, error }, options);
      return true;
    },
  };
}

/**
 * Takes a client out of the pool; while PostgreSQL is not up yet it tries again, with growing pauses, for `waitMs`. What no
 * waiting can heal (a refused password, a missing role or database) fails at once.
 *
 * @throws BootError `DATABASE_UNREACHABLE`, or the signal's reason.
 */
async function connectWithPatience(pool: PoolLike, options: PatienceOptions): Promise<HeldClient> {
  const { waitMs, signal, clock } = options;
  const deadline = clock.elapsed() + waitMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connectBefore(deadline, pool, options);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toError(thrown);
      if (!isWorthWaiting(error)) throw unreachable(error, `No connection to PostgreSQL`);
      const leftMs = deadline - clock.elapsed();
      if (leftMs <= 0) {
        throw unreachable(error, `No connection to PostgreSQL within ${formatDuration(waitMs)}`);
      }
      await pause({ attempt, leftMs, error }, options);
    }
  }
}

interface Failure {
  readonly attempt: number;
  /** How long it may still be tried. */
  readonly leftMs: number;
  readonly error: Error;
}

async function pause(
  { attempt, leftMs, error }: Failure,
  { clock, signal, onWaiting }: PatienceOptions,
): Promise<void> {
  const nextInMs = Math.ceil(Math.min(growPause(attempt, pauses), leftMs));
  onWaiting?.({ attempt, nextInMs, error });
  await sleep(clock, nextInMs, signal);
}

/** A server that neither answers nor refuses would keep one attempt for minutes. */
async function connectBefore(
  deadline: number,
  pool: PoolLike,
  { waitMs, signal, clock }: PatienceOptions,
): Promise<HeldClient> {
  if (waitMs === 0) return checkOutUnlessAborted(pool, signal);
  // The last attempt, at the deadline itself, gets a moment too.
  const leftMs = Math.max(deadline - clock.elapsed(), pauses.firstMs);
  const timeout = deadlineAfter(clock, leftMs);
  try {
    return await checkOutUnlessAborted(pool, AbortSignal.any([signal, timeout.signal]));
  } catch (error) {
    if (timeout.signal.aborted) {
      throw new Error('timeout exceeded when trying to connect', { cause: error });
    }
    throw error;
  } finally {
    timeout.cancel();
  }
}

function unreachable(cause: Error, what: string): BootError {
  // A refusal by several addresses at once (localhost has two) comes with an empty message.
  const reason = cause.message || readText(cause, 'code') || cause.name;
  return new BootError('DATABASE_UNREACHABLE', `${what}: ${reason}`, {
    hint: adviceOnConnecting(cause),
    database:
      readSqlState(cause) === undefined ? undefined : { sqlState: readSqlState(cause) ?? '' },
    cause,
  });
}
