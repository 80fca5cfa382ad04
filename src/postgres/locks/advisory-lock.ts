import { createHash } from 'node:crypto';
import type { LockHolder } from '../../core/events.ts';
import type { Querying } from '../connection/querying.ts';

export type LockAttempt =
  | {
      readonly acquired: true;
      /** The session that holds it now. */
      readonly backendPid: number;
    }
  | { readonly acquired: false; readonly holder: LockHolder };

/**
 * The key of a schema's migration lock: the first 8 bytes, big-endian and signed, of SHA-256 of `slipway:migrate:<schema>`.
 *
 * @example migrationLockKey('plugin_catalog')
 */
export function migrationLockKey(schema: string): bigint {
  return createHash('sha256').update(`slipway:migrate:${schema}`).digest().readBigInt64BE(0);
}

/** What keeps the lock: the session, until it is given back, or the transaction, until it ends. One excludes the other. */
export type LockScope = 'session' | 'transaction';

const tryingIn = {
  session: 'pg_try_advisory_lock',
  transaction: 'pg_try_advisory_xact_lock',
} satisfies Record<LockScope, string>;

/** The answer to {@link tryLockSql}, as text, so that no type parser of the host's can change it. */
export interface LockAnswer {
  readonly pid: string;
  readonly taken: string;
}

/** Tries once for the schema's lock and never waits; see {@link tryLockSql}. */
export async function tryLock(
  client: Querying,
  schema: string,
  scope: LockScope = 'session',
): Promise<LockAttempt> {
  const { rows } = await client.query<LockAnswer>(tryLockSql(schema, scope));
  return readLockAnswer(client, schema, rows[0]);
}

/**
 * The SQL that tries once for the schema's lock and never waits: a waiter that blocks inside PostgreSQL holds a snapshot, and
 * CREATE INDEX CONCURRENTLY next door would wait for it while it waits for the lock.
 */
export function tryLockSql(schema: string, scope: LockScope): string {
  const key = migrationLockKey(schema);
  return `select pg_backend_pid()::text as pid, ${tryingIn[scope]}('${key}'::bigint)::text as taken`;
}

/**
 * Who holds a lock that was refused is asked only then: for PostgreSQL it is more work to prepare that question than to take
 * the lock. A holder that let go meanwhile, or whose session we may not see, stays unknown.
 */
export async function readLockAnswer(
  client: Querying,
  schema: string,
  answer: LockAnswer | undefined,
): Promise<LockAttempt> {
  if (answer?.taken === 'true') return { acquired: true, backendPid: Number(answer.pid) };
  const { rows } = await client.query<{ holder: string }>(
    `select json_strip_nulls(json_build_object('pid', l.pid, 'applicationName', nullif(a.application_name, ''),
       'host', coalesce(a.client_hostname, host(a.client_addr)),
       'ageMs', (extract(epoch from clock_timestamp() - a.backend_start) * 1000)::bigint))::text as holder
     from pg_locks l left join pg_stat_activity a on a.pid = l.pid
     where ${heldLockSql(schema)}
     limit 1`,
  );
  return { acquired: false, holder: JSON.parse(rows[0]?.holder ?? '{}') as LockHolder };
}

/** The SQL condition on `pg_locks l` that holds for the session which has the schema's lock, in this database. */
export function heldLockSql(schema: string): string {
  const key = migrationLockKey(schema);
  return `l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.classid = ${BigInt.asUintN(32, key >> 32n)}::bigint::oid and l.objid = ${BigInt.asUintN(32, key)}::bigint::oid
    and l.database = (select oid from pg_database where datname = current_database())`;
}

/** The SQL that gives the lock back before its session ends, so that the next one need not wait for that. */
export function unlockSql(schema: string): string {
  return `select pg_advisory_unlock(${migrationLockKey(schema)})`;
}
