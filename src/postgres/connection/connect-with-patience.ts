import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { errorCodes } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import { readText } from '../../core/foreign-value.ts';
import { deadlineAfter, growPause, sleep } from '../../core/patience.ts';
import { adviceOnConnecting } from './connecting-advice.ts';
import { isWorthWaiting, readSqlState } from './connection-error.ts';
import type { PoolLike } from './connection.ts';
import { checkOutUnlessAborted, type HeldClient } from './held-client.ts';

const pauses = { firstMs: 100, longestMs: 3_000 };

interface PatienceOptions {
  /** How long to keep trying, in ms; with 0 there is one attempt, as long as it takes. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Called before each pause; attempts count from 1. */
  readonly onWaiting?: (waiting: { attempt: number; nextInMs: number; error: Error }) => void;
  /** Called for each message of SQL that is sent on a client of this pool. */
  readonly onStatement?: () => void;
}

/** Where clients come from: a pool, or what gives one until the signal is aborted. */
export type ClientSource = PoolLike | { checkOut(signal: AbortSignal): Promise<HeldClient> };

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

/**
 * Makes a {@link PatientPool}: both its connecting and its breaking have `waitMs`. While PostgreSQL is not up yet it tries
 * again, with growing pauses. What no waiting can heal (a refused password, a missing role or database) fails at once.
 */
export function withPatience(source: ClientSource, options: PatienceOptions): PatientPool {
  const { waitMs, signal, clock, onWaiting, onStatement } = options;
  let outlastUntil = 0;

  /** Pauses after a failed attempt, when there is time for another one. */
  async function pause(attempt: number, error: Error, deadline: number): Promise<boolean> {
    const leftMs = deadline - clock.elapsed();
    if (leftMs <= 0) return false;
    const nextInMs = Math.ceil(Math.min(growPause(attempt, pauses), leftMs));
    onWaiting?.({ attempt, nextInMs, error });
    await sleep(clock, nextInMs, signal);
    return true;
  }

  return {
    onStatement,
    async checkOut() {
      const deadline = clock.elapsed() + waitMs;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await connectBefore(deadline, source, options);
        } catch (thrown) {
          signal.throwIfAborted();
          const error = toError(thrown);
          if (!isWorthWaiting(error)) throw unreachable(error, 'No connection to PostgreSQL');
          if (await pause(attempt, error, deadline)) continue;
          if (waitMs === 0) throw unreachable(error, 'No connection to PostgreSQL');
          const what = `No connection to PostgreSQL within ${formatDuration(waitMs)}`;
          throw unreachable(error, what, ' connect.wait sets how long to keep trying.');
        }
      }
    },
    async outlast(error, attempt) {
      if (attempt === 1) outlastUntil = clock.elapsed() + waitMs;
      return pause(attempt, error, outlastUntil);
    },
  };
}

/** A server that neither answers nor refuses would keep one attempt for minutes. */
async function connectBefore(
  deadline: number,
  source: ClientSource,
  { waitMs, signal, clock }: PatienceOptions,
): Promise<HeldClient> {
  if (waitMs === 0) return checkOutFrom(source, signal);
  // The last attempt, at the deadline itself, gets a moment too.
  const leftMs = Math.max(deadline - clock.elapsed(), pauses.firstMs);
  const timeout = deadlineAfter(clock, leftMs);
  try {
    return await checkOutFrom(source, AbortSignal.any([signal, timeout.signal]));
  } catch (error) {
    if (timeout.signal.aborted) {
      throw new Error('timeout exceeded when trying to connect', { cause: error });
    }
    throw error;
  } finally {
    timeout.cancel();
  }
}

function checkOutFrom(source: ClientSource, signal: AbortSignal): Promise<HeldClient> {
  return 'checkOut' in source ? source.checkOut(signal) : checkOutUnlessAborted(source, signal);
}

function unreachable(cause: Error, what: string, more = ''): BootError {
  // A refusal by several addresses at once (localhost has two) comes with an empty message.
  const reason = cause.message || readText(cause, 'code') || cause.name;
  return new BootError('DATABASE_UNREACHABLE', `${what}: ${reason}`, {
    hint: (adviceOnConnecting(cause) ?? errorCodes.DATABASE_UNREACHABLE.hint) + more,
    database:
      readSqlState(cause) === undefined ? undefined : { sqlState: readSqlState(cause) ?? '' },
    cause,
  });
}
