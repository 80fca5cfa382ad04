import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import { readText } from '../../core/foreign-value.ts';
import { deadlineAfter, sleep } from '../../core/patience.ts';
import { isWorthWaiting, sqlStateOf } from './connection-error.ts';
import { checkOutUnlessAborted } from './connection.ts';
import type { ClientLike, PoolLike } from './connection.ts';

const firstPauseMs = 100;
const longestPauseMs = 3_000;

export interface WaitingNews {
  /** Counts from 1. */
  readonly attempt: number;
  readonly nextInMs: number;
  readonly error: Error;
}

export interface PatienceOptions {
  /** How long to keep trying, in ms; with 0 there is one attempt, as long as it takes. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onWaiting?: (news: WaitingNews) => void;
}

/**
 * Takes a client out of the pool; while PostgreSQL is not up yet it tries again, with growing pauses, for `waitMs`. What no
 * waiting can heal (a refused password, a missing role or database) fails at once. The client already has an `error`
 * listener, which `withPinnedClient` takes over.
 *
 * @throws BootError `DATABASE_UNREACHABLE`, or the signal's reason.
 * @example
 * const patient = { connect: () => connectWithPatience(pool, { waitMs: 60_000, signal, clock }) };
 * await withPinnedClient(patient, { signal }, (client) => surveyDatabase(client, targets));
 */
export async function connectWithPatience(
  pool: PoolLike,
  options: PatienceOptions,
): Promise<ClientLike> {
  const { waitMs, signal, clock, onWaiting } = options;
  const deadline = clock.elapsed() + waitMs;
  for (let attempt = 1, pauseMs = firstPauseMs; ; attempt += 1) {
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
      const nextInMs = Math.ceil(Math.min(pauseMs, leftMs));
      onWaiting?.({ attempt, nextInMs, error });
      await sleep(clock, nextInMs, signal);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}

/** A server that neither answers nor refuses would keep one attempt for minutes. */
async function connectBefore(
  deadline: number,
  pool: PoolLike,
  { waitMs, signal, clock }: PatienceOptions,
): Promise<ClientLike> {
  if (waitMs === 0) return checkOutUnlessAborted(pool, signal);
  // The last attempt, at the deadline itself, gets a moment too.
  const leftMs = Math.max(deadline - clock.elapsed(), firstPauseMs);
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
    hint: hintFor(cause),
    database: sqlStateOf(cause) === undefined ? undefined : { sqlState: sqlStateOf(cause) ?? '' },
    cause,
  });
}

function hintFor(error: Error): string | undefined {
  switch (sqlStateOf(error)) {
    case '28P01':
      return 'PostgreSQL refused the password: correct the user or the password of the connection.';
    case '28000':
      return 'PostgreSQL refused the role: create it, or let it in by pg_hba.conf (it may insist on TLS).';
    case '3D000':
      return 'Create the database, or correct its name in the connection.';
    case '42501':
      return 'Grant the role CONNECT on the database.';
    default:
      return error.message.startsWith('SASL')
        ? 'PostgreSQL asks for a password, and the connection has none: add it, or set PGPASSWORD.'
        : undefined;
  }
}
