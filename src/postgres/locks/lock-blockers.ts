import type { LockBlocker } from '../../core/events.ts';
import { msSinceSql } from './advisory-lock.ts';
import type { Querying } from '../connection/querying.ts';
import { namesInSql } from '../sql/sql-names.ts';
import { SqlText } from '../sql/sql-text.ts';
import { readText } from '../../core/foreign-value.ts';

const mostBlockers = 5;

/**
 * Looks for the sessions that were in the way of a statement. PostgreSQL forgets whom a statement waited for once it has
 * failed, so these are the sessions that hold a lock on something that the statement names, the oldest transaction first;
 * of a deadlock, PostgreSQL has told the sessions itself. It takes no second connection: there may be none.
 */
export async function findBlockers(
  client: Querying,
  statement: string,
  error: unknown,
): Promise<readonly LockBlocker[]> {
  const { rows } = await client.query<{ blockers: string }>(
    `select coalesce(json_agg(json_strip_nulls(b.session)), '[]')::text as blockers from (
       select json_build_object('pid', a.pid, 'applicationName', nullif(a.application_name, ''),
         'relation', min(l.relation::regclass::text), 'state', a.state,
         'transactionMs', ${msSinceSql('a.xact_start')}) as session
       from pg_locks l join pg_stat_activity a on a.pid = l.pid left join pg_class c on c.oid = l.relation
       where l.granted and l.pid <> pg_backend_pid() and (l.pid = any($2::int[]) or l.locktype = 'relation'
         and l.database = (select oid from pg_database where datname = current_database())
         and c.relname::text = any($1::text[]))
       group by a.pid, a.application_name, a.state, a.xact_start
       order by a.xact_start nulls last limit ${mostBlockers}) b`,
    [namesInSql(new SqlText(statement)), pidsOf(error)],
  );
  return JSON.parse(rows[0]?.blockers ?? '[]') as readonly LockBlocker[];
}

/** `Process 4711 waits for AccessExclusiveLock on …; blocked by process 4712.` */
function pidsOf(error: unknown): readonly number[] {
  return [...(readText(error, 'detail') ?? '').matchAll(/blocked by process (\d+)/g)].map(
    ([, pid]) => Number(pid),
  );
}
