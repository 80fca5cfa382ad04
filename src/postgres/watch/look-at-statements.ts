import type { StatementProgress } from '../../core/running-steps.ts';
import type { LockBlocker } from '../../core/waits.ts';
import type { Querying } from '../connection/connection.ts';
import { msSinceSql, sessionFacts } from '../locks/advisory-lock.ts';

/** A session of ours, with the schema whose name is left out before the names of tables. */
export interface WatchedSession {
  readonly backendPid: number;
  readonly schema: string;
}

/** The numbers that PostgreSQL reports of a statement. */
export type Counted = Omit<StatementProgress, 'percent' | 'etaMs'>;

/** A session that waits for one of ours, directly or behind another. */
export interface WaitingSession {
  readonly applicationName?: string;
  readonly waitedMs: number;
  readonly relation?: string;
  /** The mode of our lock as `pg_locks` names it; left out when it is none of a table. */
  readonly mode?: string;
  /** Whether our session has that lock, or waits for it as well. */
  readonly isHeld?: boolean;
}

/** The facts of one of our sessions at one moment. */
export interface SessionLook {
  readonly pid: number;
  /** `null` for a statement of which PostgreSQL reports nothing. */
  readonly counted: Counted | null;
  readonly blockers: readonly LockBlocker[];
  readonly waiting: readonly WaitingSession[];
}

/**
 * `pg_blocking_pids()` stops the lock manager for a moment, so that it is not asked about any number of sessions. Those that
 * have waited longest come first.
 */
const mostWaiting = 200;
const mostBlockers = 5;

/**
 * Looks at all these sessions with one query: how far their statements are, which sessions they wait for, and which sessions
 * wait for them. A role may see the locks and the application names of all sessions, and the state of its own ones only.
 * The SQL of other sessions is never read.
 *
 * https://www.postgresql.org/docs/current/progress-reporting.html
 */
export async function lookAtStatements(
  connection: Querying,
  sessions: readonly WatchedSession[],
): Promise<readonly SessionLook[]> {
  const { rows } = await connection.query<{ look: string }>(lookSql, [
    sessions.map(({ backendPid }) => backendPid),
    sessions.map(({ schema }) => schema),
  ]);
  return rows.map(({ look }) => JSON.parse(look) as SessionLook);
}

/** The name of a relation, as the plugin whose session it is would write it. */
const nameSql = (
  oid: string,
): string => `(select case when n.nspname = o.schema then '' else n.nspname || '.' end || c.relname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid})`;

/** The number that counts in each phase. In other phases PostgreSQL leaves numbers of earlier ones, or counts nothing. */
const progressSql = `
  select pid, phase, relid, index_relid as index, current_locker_pid as locker, n.*
    from pg_stat_progress_create_index left join lateral (values
      ('sessions', lockers_done, lockers_total, phase like 'waiting%'),
      ('blocks', blocks_done, blocks_total, phase like '%scanning%' or phase = 'building index'),
      ('tuples', tuples_done, tuples_total, phase like '%loading%')) n (unit, done, total, counts) on n.counts
  union all select pid, phase, relid, 0, 0, n.* from pg_stat_progress_cluster left join lateral (values
      ('blocks', heap_blks_scanned, heap_blks_total, phase = 'seq scanning heap'),
      ('tuples', heap_tuples_scanned, 0, phase = 'index scanning heap'),
      ('tuples', heap_tuples_written, heap_tuples_scanned, phase = 'writing new heap')) n (unit, done, total, counts) on n.counts
  union all select pid, phase, relid, 0, 0, n.* from pg_stat_progress_vacuum left join lateral (values
      ('blocks', heap_blks_scanned, heap_blks_total, phase = 'scanning heap'),
      ('blocks', heap_blks_vacuumed, heap_blks_total, phase = 'vacuuming heap')) n (unit, done, total, counts) on n.counts
  union all select pid, phase, relid, 0, 0, 'blocks', sample_blks_scanned, sample_blks_total, true from pg_stat_progress_analyze
  union all select pid, 'copying', relid, 0, 0, n.* from pg_stat_progress_copy left join lateral (values
      ('bytes', bytes_processed, bytes_total, bytes_total > 0),
      ('tuples', tuples_processed, 0, bytes_total = 0)) n (unit, done, total, counts) on n.counts`;

/** The modes of locks on tables, the strongest first. */
const modesSql = `array['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
  'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock', 'AccessShareLock']`;

const blockersSql = `select json_agg(json_strip_nulls(json_build_object('pid', b.pid,
    'applicationName', nullif(a.application_name, ''), 'relation', ${nameSql('b.relation')}, ${sessionFacts('a').join(', ')})))
  from (select pid, max(relation::bigint)::oid as relation from (
      select e.blocker as pid, w.relation from edges e join waiting w on w.pid = e.pid where e.pid = o.pid
      union all select p.locker, null from progress p where p.pid = o.pid) found (pid, relation)
    where pid > 0 group by pid order by pid limit ${mostBlockers}) b
  left join pg_stat_activity a on a.pid = b.pid`;

/** A session that waits for a row waits for the transaction of another, and has the lock of the row itself. */
const waitingSql = `select json_agg(json_strip_nulls(json_build_object('applicationName', nullif(a.application_name, ''),
    'waitedMs', coalesce(${msSinceSql('w.waitstart')}, 0), 'relation', ${nameSql('w.relation')},
    'mode', held.mode, 'isHeld', held.granted)))
  from behind b join waiting w on w.pid = b.pid left join pg_stat_activity a on a.pid = b.pid
  left join lateral (select l.mode, l.granted from locks l where l.pid = o.pid and l.locktype = 'relation'
      and w.locktype = 'relation' and l.relation = w.relation
    order by array_position(${modesSql}, l.mode) limit 1) held on true
  where b.root = o.pid`;

const lookSql = `with recursive ours (pid, schema) as (select * from unnest($1::int[], $2::text[])),
  locks as materialized (select pid, locktype, relation, mode, granted, waitstart from pg_locks
    where database is null or database in (0, (select oid from pg_database where datname = current_database()))),
  waiting as materialized (select l.pid, l.locktype, l.waitstart, coalesce(l.relation,
      (select min(t.relation::bigint)::oid from locks t where t.pid = l.pid and t.locktype = 'tuple')) as relation
    from locks l where not l.granted
    order by l.pid not in (select pid from ours), l.waitstart limit ${mostWaiting}),
  edges as materialized (select w.pid, b.pid as blocker from waiting w cross join unnest(pg_blocking_pids(w.pid)) b (pid)),
  behind (root, pid) as (select o.pid, e.pid from ours o join edges e on e.blocker = o.pid
    union select b.root, e.pid from behind b join edges e on e.blocker = b.pid),
  progress (pid, phase, relid, index, locker, unit, done, total) as materialized (
    select pid, phase, relid, index, locker, unit, done, total from (${progressSql}) p where p.pid in (select pid from ours))
  select json_build_object('pid', o.pid, 'counted', (
      select json_strip_nulls(json_build_object('phase', p.phase, 'index', ${nameSql('p.index')}, 'relation', ${nameSql('p.relid')},
        'unit', p.unit, 'done', p.done, 'total', nullif(p.total, 0))) from progress p where p.pid = o.pid limit 1),
    'blockers', coalesce((${blockersSql}), '[]'), 'waiting', coalesce((${waitingSql}), '[]'))::text as look
  from ours o`;
