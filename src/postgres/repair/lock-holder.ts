import type { LockHolder } from '../../core/events.ts';
import { heldLockSql } from '../locks/advisory-lock.ts';
import { sqlStateOf } from '../connection/connection-error.ts';
import { withoutGuard } from '../connection/place-guard.ts';
import type { Querying } from '../connection/querying.ts';
import { messageOf } from '../../core/foreign-value.ts';

/** The session that holds a migration lock, and what it does. Fields that this role may not see are left out. */
export interface LockHolderFacts extends LockHolder {
  readonly pid: number;
  /** `active`, `idle`, `idle in transaction` … */
  readonly state?: string;
  /** The statement that it runs, or ran last. */
  readonly query?: string;
  /** How long ago that statement began, in ms. */
  readonly queryMs?: number;
  /** How long ago its transaction began, in ms. */
  readonly transactionMs?: number;
  /** The pids of the sessions that it waits for itself. */
  readonly blockedBy: readonly number[];
}

/** The report of `repair.holder()`: the holder, and whether its session was ended. Plain JSON. */
export interface HolderReport {
  readonly plugin: string;
  readonly schema: string;
  /** null when the lock is free. */
  readonly holder: LockHolderFacts | null;
  /** Whether the holder's session was ended; left out when the call did not ask for it, or when the lock is free. */
  readonly terminated?: boolean;
  /** Why the session was not ended. */
  readonly because?: string;
}

/** How long to wait for the end of a session, in ms. */
const goneWithinMs = 5_000;

/** Finds the session that holds the migration lock of a schema. */
export async function findHolder(
  client: Querying,
  schema: string,
): Promise<LockHolderFacts | undefined> {
  const since = (column: string): string =>
    `(extract(epoch from clock_timestamp() - a.${column}) * 1000)::bigint`;
  const { rows } = await client.query<{ holder: string }>(
    `select json_strip_nulls(json_build_object('pid', l.pid, 'applicationName', nullif(a.application_name, ''),
       'host', coalesce(a.client_hostname, host(a.client_addr)), 'ageMs', ${since('backend_start')},
       'state', a.state, 'query', nullif(a.query, ''), 'queryMs', ${since('query_start')},
       'transactionMs', ${since('xact_start')}, 'blockedBy', to_json(pg_blocking_pids(l.pid))))::text as holder
     from pg_locks l left join pg_stat_activity a on a.pid = l.pid where ${heldLockSql(schema)} limit 1`,
  );
  const [row] = rows;
  if (!row) return undefined;
  const facts = JSON.parse(row.holder) as LockHolderFacts;
  return facts.query === undefined ? facts : { ...facts, query: withoutGuard(facts.query) };
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
    if (sqlStateOf(error) !== '42501') throw error;
    return messageOf(error);
  }
}
