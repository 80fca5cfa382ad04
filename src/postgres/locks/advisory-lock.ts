import { createHash } from 'node:crypto';
import type { LockBlocker, LockHolder } from '../../core/waits.ts';
import { readText } from '../../core/foreign-value.ts';
import { failWithSql, readSqlFailure } from '../connection/session-guard.ts';
import type { Querying } from '../connection/connection.ts';
import { namesInSql } from '../sql/sql-names.ts';
import { SqlText } from '../sql/sql-text.ts';

type LockAttempt =
  | {
      readonly acquired: true;
      /** The session that holds it now. */
      readonly backendPid: number;
      /** The first row of the answer to the first of the statements behind it. */
      readonly answer?: unknown;
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

/** The owner of the lock: a session, until it gives the lock back, or a transaction, until it ends. One excludes the other. */
type LockScope = 'session' | 'transaction';

const mostBlockers = 5;

/** What else is sent in the message that tries for a lock. */
interface LockOptions {
  /** @default 'session' */
  readonly scope?: LockScope;
  /** Statements before it, such as the BEGIN of the transaction. */
  readonly before?: readonly string[];
  /** An expression that is evaluated once the lock is taken. */
  readonly onTaken?: string;
  /** Statements behind it; the answer to the first is that of the attempt. */
  readonly questions?: readonly string[];
}

/** A session takes it twice; {@link lockGuardSql} says what for. */
const tryingIn = {
  session: (key) => `(pg_try_advisory_lock(${key}) and pg_try_advisory_lock(${key}))`,
  transaction: (key) => `pg_try_advisory_xact_lock(${key})`,
} satisfies Record<LockScope, (key: bigint) => string>;

/**
 * Tries once for the schema's lock and never waits: a waiter that blocks inside PostgreSQL holds a snapshot, and
 * CREATE INDEX CONCURRENTLY next door would wait for it while it waits for the lock.
 *
 * Only after a refusal is the holder looked for: PostgreSQL has more work to prepare that question than to take the lock.
 * A holder that has released the lock meanwhile, or whose session this role may not see, stays unknown.
 *
 */
export async function tryLock(
  client: Querying,
  schema: string,
  { scope = 'session', before = [], onTaken, questions = [] }: LockOptions = {},
): Promise<LockAttempt> {
  // As text, so that no type parser of the host's can change it.
  const trying = `with lock as materialized (select ${tryingIn[scope](migrationLockKey(schema))} as taken)
    select pg_backend_pid()::text as pid, taken::text as taken${onTaken === undefined ? '' : `, case when taken then ${onTaken} end`} from lock`;
  const answers = [
    await client.query<unknown>([...before, trying, ...questions].join('; ')),
  ].flat();
  const lock = answers[before.length]?.rows[0] as { pid: string; taken: string } | undefined;
  if (lock?.taken !== 'true')
    return { acquired: false, holder: (await readHolder(client, schema)) ?? {} };
  const answer = answers[before.length + 1]?.rows[0];
  return { acquired: true, backendPid: Number(lock.pid), ...(answer !== undefined && { answer }) };
}

/**
 * Looks for the session that holds a schema's lock.
 *
 * @param more Further facts, as names and expressions of `json_build_object`, of the rows `pg_locks l` and `pg_stat_activity a`.
 */
export async function readHolder<Facts extends LockHolder>(
  client: Querying,
  schema: string,
  more: readonly string[] = [],
): Promise<Facts | undefined> {
  const facts = [
    `'pid', l.pid`,
    `'applicationName', nullif(a.application_name, '')`,
    `'host', coalesce(a.client_hostname, host(a.client_addr))`,
    `'ageMs', ${msSinceSql('a.backend_start')}`,
    ...sessionFacts('a'),
    `'waitsFor', (${firstBlockerSql})`,
    ...more,
  ];
  const { rows } = await client.query<{ holder: string }>(
    `select json_strip_nulls(json_build_object(${facts.join(', ')}))::text as holder
     from pg_locks l left join pg_stat_activity a on a.pid = l.pid where ${heldLockSql(schema)} limit 1`,
  );
  return rows[0] && (JSON.parse(rows[0].holder) as Facts);
}

/** The facts of a session's transaction, from its row of `pg_stat_activity`. */
export function sessionFacts(row: string): readonly string[] {
  return [`'state', ${row}.state`, `'transactionMs', ${msSinceSql(`${row}.xact_start`)}`];
}

/**
 * A query for the first session that the holder itself waits for: it is the one to look at. The relation is the one that the
 * holder waits for, or whose row.
 */
const firstBlockerSql = `select json_build_object('pid', b.pid, 'applicationName', nullif(s.application_name, ''),
    'relation', (select min(w.relation::regclass::text) from pg_locks w
      where w.pid = l.pid and (not w.granted or w.locktype = 'tuple')), ${sessionFacts('s').join(', ')})
  from unnest(pg_blocking_pids(l.pid)) with ordinality b(pid, place) left join pg_stat_activity s on s.pid = b.pid
  where b.pid > 0 order by b.place limit 1`;

/**
 * Looks for the sessions that were in the way of a statement. PostgreSQL forgets whom a statement waited for once it has
 * failed, so these are the sessions that hold a lock on something that the statement names, the oldest transaction first;
 * of a deadlock, PostgreSQL itself has named the sessions. It takes no second connection: there may be none.
 */
export async function findBlockers(
  client: Querying,
  statement: string,
  error: unknown,
): Promise<readonly LockBlocker[]> {
  const { rows } = await client.query<{ blockers: string }>(
    `select coalesce(json_agg(json_strip_nulls(b.session)), '[]')::text as blockers from (
       select json_build_object('pid', a.pid, 'applicationName', nullif(a.application_name, ''),
         'relation', min(l.relation::regclass::text), ${sessionFacts('a').join(', ')}) as session
       from pg_locks l join pg_stat_activity a on a.pid = l.pid left join pg_class c on c.oid = l.relation
       where l.granted and l.pid <> pg_backend_pid() and (l.pid = any($2::int[]) or l.locktype = 'relation'
         and l.database = (select oid from pg_database where datname = current_database())
         and c.relname::text = any($1::text[]))
       group by a.pid, a.application_name, a.state, a.xact_start
       order by a.xact_start nulls last limit ${mostBlockers}) b`,
    [namesInSql(new SqlText(statement)), readBlockerPids(error)],
  );
  return JSON.parse(rows[0]?.blockers ?? '[]') as readonly LockBlocker[];
}

/** `Process 4711 waits for AccessExclusiveLock on …; blocked by process 4712.` */
function readBlockerPids(error: unknown): readonly number[] {
  return [...(readText(error, 'detail') ?? '').matchAll(/blocked by process (\d+)/g)].map(
    ([, pid]) => Number(pid),
  );
}

/** An SQL expression for the whole milliseconds since a time. */
export function msSinceSql(time: string): string {
  return `(extract(epoch from clock_timestamp() - ${time}) * 1000)::bigint`;
}

/** The SQL condition on `pg_locks l` that holds for the session which has the schema's lock, in this database. */
export function heldLockSql(schema: string): string {
  return heldKeySql(migrationLockKey(schema));
}

/** The same for the session that holds a key. */
export function heldKeySql(key: bigint): string {
  return `l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.classid = ${BigInt.asUintN(32, key >> 32n)}::bigint::oid and l.objid = ${BigInt.asUintN(32, key)}::bigint::oid
    and l.database = (select oid from pg_database where datname = current_database())`;
}

/** The SQL that gives a session's lock back before the session ends, so that the next one need not wait for that. */
export function unlockSql(schema: string): string {
  const key = migrationLockKey(schema);
  return `select pg_advisory_unlock(${key}), pg_advisory_unlock(${key})`;
}

const freedMark = 'slipway lost its lock';

/**
 * SQL that fails when the session no longer holds the schema's lock. It travels with the COMMIT of a file: a file can free the
 * lock in ways that its text does not show, and another replica may have run the same file since. A lock of a transaction needs
 * no such look, because nothing frees it before the transaction ends.
 *
 * A session takes its lock twice. Giving one back shows whether it is still held, keeps others out, and costs the same however
 * many locks the server has; `pg_locks` is read from end to end.
 */
export function lockGuardSql(schema: string): string {
  const key = migrationLockKey(schema);
  const isHeld = `pg_advisory_unlock(${key}) and pg_try_advisory_lock(${key})`;
  const found = `json_build_object('pid', pg_backend_pid())`;
  return `select case when ${isHeld} then 0 else ${failWithSql(freedMark, found)} end`;
}

/** Whether an error is that of a failed {@link lockGuardSql}. */
export function isLockFreed(error: unknown): boolean {
  return readSqlFailure(freedMark, error) !== undefined;
}
