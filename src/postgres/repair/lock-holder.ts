import type { LockHolder } from '../../core/events.ts';
import { heldLockSql } from '../locks/advisory-lock.ts';
import { sqlStateOf } from '../connection/connection-error.ts';
import { withoutGuard } from '../connection/place-guard.ts';
import type { Querying } from '../connection/querying.ts';
import { messageOf } from '../../core/foreign-value.ts';

/** What `repair.holder()` found, and whether it ended that session. Plain JSON. */
export interface HolderReport {
  readonly plugin: string;
  readonly schema: string;
  /** Who holds the lock, and what that session does. Left out when the lock is free, as is what this role may not see. */
  readonly holder?: LockHolder & {
    readonly pid: number;
    /** `active`, `idle`, `idle in transaction` … */
    readonly state?: string;
    /** The statement that it runs, or ran last. */
    readonly query?: string;
    /** How long ago that statement began, in ms. */
    readonly queryMs?: number;
    /** How long ago its transaction began, in ms. */
    readonly transactionMs?: number;
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

/** Looks who holds the migration lock of a schema. */
export async function findHolder(
  client: Querying,
  schema: string,
): Promise<HolderReport['holder']> {
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
  const facts = JSON.parse(row.holder) as NonNullable<HolderReport['holder']>;
  return facts.query === undefined ? facts : { ...facts, query: withoutGuard(facts.query) };
}

/**
 * Ends the session with this pid, if it still holds the lock, and waits for its end.
 *
 * @returns Why it was not ended; undefined when it was, or was gone by itself.
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
