import type { LockHolder } from '../../core/waits.ts';
import { heldLockSql, msSinceSql, readHolder } from '../locks/advisory-lock.ts';
import { readSqlState } from '../connection/connection-error.ts';
import { withoutGuard } from '../connection/session-guard.ts';
import type { Querying } from '../connection/connection.ts';
import { readMessage } from '../../core/foreign-value.ts';

/** The report of `repair.holder()`: the holder, and whether its session was ended. Plain JSON. */
export interface HolderReport {
  readonly plugin: string;
  readonly schema: string;
  /** The session that holds the lock, and what it does. Left out when the lock is free, as is what this role may not see. */
  readonly holder?: LockHolder & {
    readonly pid: number;
    /** The statement that it runs, or ran last. */
    readonly query?: string;
    /** How long ago that statement began, in ms. */
    readonly queryMs?: number;
    /** The pids of the sessions that it waits for. */
    readonly blockedBy: readonly number[];
  };
  /** Whether the holder's session was ended; left out without `terminate`, and when the lock is free. */
  readonly terminated?: boolean;
  /** Why it was not ended. */
  readonly because?: string;
}

/** How long to wait for the end of a session, in ms. */
const goneWithinMs = 5_000;

/** Looks for the session that holds the migration lock of a schema, and what it does. */
export async function findHolder(
  client: Querying,
  schema: string,
): Promise<HolderReport['holder']> {
  const facts = await readHolder<NonNullable<HolderReport['holder']>>(client, schema, [
    `'query', nullif(a.query, '')`,
    `'queryMs', ${msSinceSql('a.query_start')}`,
    `'blockedBy', to_json(pg_blocking_pids(l.pid))`,
  ]);
  return facts?.query === undefined ? facts : { ...facts, query: withoutGuard(facts.query) };
}

/**
 * Ends the session with this pid, if it still holds the lock, and waits for its end.
 *
 * @returns Why the session was not ended; undefined when it has ended, by this call or by itself.
 */
export async function endHolder(
  client: Querying,
  schema: string,
  pid: number,
): Promise<string | undefined> {
  try {
    const { rows } = await client.query<{ ended: boolean }>(
      `select pg_terminate_backend(l.pid, ${goneWithinMs}) as ended from pg_locks l
       where ${heldLockSql(schema)} and l.pid = ${pid}`,
    );
    const isEnded = rows[0]?.ended ?? true;
    return isEnded ? undefined : `it has not ended within ${goneWithinMs / 1000} s`;
  } catch (error) {
    if (readSqlState(error) !== '42501') throw error;
    return readMessage(error);
  }
}
