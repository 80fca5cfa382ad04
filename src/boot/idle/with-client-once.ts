import type { Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { deadlineAfter } from '../../core/patience.ts';
import { isConnectionLost, readSqlState } from '../../postgres/connection/connection-error.ts';
import { checkSource } from '../../postgres/connection/source-check.ts';
import { systemClock } from '../options/system-clock.ts';
import { endSoon } from './with-plugins.ts';
import { withPatience } from '../../postgres/connection/connect-with-patience.ts';
import { openPool, type DatabaseSource } from '../../postgres/connection/connection.ts';
import { withPinnedClient, type PinnedClient } from '../../postgres/connection/pinned-client.ts';

/** How long to wait for a connection, in ms. */
export const connectWithinMs = 5_000;

/** Gives `use` a signal that is aborted after `ms`. */
export async function within<T>(
  ms: number,
  clock: Clock,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = deadlineAfter(clock, ms);
  try {
    return await use(deadline.signal);
  } finally {
    deadline.cancel();
  }
}

interface OnceOptions {
  readonly clock: Clock;
  /** Ends the wait for the connection and for every answer. */
  readonly signal: AbortSignal;
}

/**
 * Opens a pool for one question of a user, and ends it afterwards.
 *
 * @throws BootError `OPTIONS_INVALID` or `DATABASE_UNREACHABLE`
 */
export async function askOnce<T>(
  pool: DatabaseSource,
  ask: (client: PinnedClient) => Promise<T>,
): Promise<T> {
  const open = openPool(checkSource(pool, 'pool'));
  const { signal } = new AbortController();
  try {
    return await withClientOnce(open.pool, { signal, clock: systemClock }, ask);
  } finally {
    await endSoon(open, systemClock);
  }
}

/**
 * Connects for `use` in one attempt, because a refusal is an answer. A server that does not answer at all has 5 s.
 *
 * @throws BootError `DATABASE_UNREACHABLE`, also when the connection breaks; `DATABASE_PRIVILEGE`
 */
export async function withClientOnce<T>(
  pool: Pool,
  { clock, signal }: OnceOptions,
  use: (client: PinnedClient) => Promise<T>,
): Promise<T> {
  const connecting = deadlineAfter(clock, connectWithinMs);
  const once = { waitMs: 0, clock, signal: AbortSignal.any([signal, connecting.signal]) };
  try {
    return await withPinnedClient(withPatience(pool, once), { clock, signal }, (client) => {
      connecting.cancel();
      return use(client);
    });
  } catch (error) {
    throw asBootError(error) ?? unreachable(error, once.signal.aborted);
  } finally {
    connecting.cancel();
  }
}

function unreachable(cause: unknown, isLate: boolean): BootError {
  const sqlState = readSqlState(cause);
  if (sqlState !== undefined && !isConnectionLost(cause)) {
    const code = sqlState === '42501' ? 'DATABASE_PRIVILEGE' : 'DATABASE_UNREACHABLE';
    const message = `PostgreSQL refused a question: ${readMessage(cause)}`;
    return new BootError(code, message, { cause, database: { sqlState } });
  }
  if (!isLate) {
    const message = `The connection to PostgreSQL broke: ${readMessage(cause)}`;
    return new BootError('DATABASE_UNREACHABLE', message, { cause });
  }
  const hint =
    'Check the address: a firewall or a wrong host drops the connection without an answer. A pool whose clients are all checked out is the same.';
  const message = `No answer from PostgreSQL within ${connectWithinMs / 1_000} s`;
  return new BootError('DATABASE_UNREACHABLE', message, { cause, hint });
}
