import type { FreshDatabase } from '../stock/fresh-database.ts';
import type { TableNames } from '../stock/table-names.ts';

/** A wait of the old replica for a lock of the new one. */
export interface LockWait {
  /** The table, for people. */
  readonly name: string;
  /** The mode of the lock, such as `AccessExclusiveLock`. */
  readonly mode: string;
  /** How long it had waited when it was last seen, in ms. */
  readonly waitedMs: number;
  /** What waited. */
  readonly query: string;
}

/** A watch over the waits for locks in a database. */
export interface LockWatch {
  /** Ends the watch, and returns the longest wait for each table that was longer than the limit. */
  end(): Promise<readonly LockWait[]>;
}

interface WaitRow {
  /** Null where it waits for a row, and so for the end of a transaction. */
  readonly schema: string | null;
  readonly table: string | null;
  readonly mode: string | null;
  readonly waited: number;
  readonly query: string;
}

/** The server itself knows since when a session waits, so a busy test is no long wait. */
const waitsSql = `
  select n.nspname as schema, c.relname as table, a.query,
    (extract(epoch from clock_timestamp() - w.waitstart) * 1000)::int as waited,
    (select h.mode from pg_locks h where h.granted and h.relation = w.relation and h.database = w.database
      and h.pid = any (pg_blocking_pids(w.pid)) order by h.mode limit 1) as mode
  from pg_locks w join pg_stat_activity a on a.pid = w.pid
    left join pg_class c on c.oid = w.relation left join pg_namespace n on n.oid = c.relnamespace
  where not w.granted and w.pid = any ($1::int[]) and pg_blocking_pids(w.pid) && $2::int[]
    and w.waitstart < clock_timestamp() - $3 * interval '1 ms'`;

/**
 * Watches how long the sessions of the old replica wait for those of the new one.
 *
 * @param limitMs Shorter waits are none.
 */
export function watchLocks(
  { ask }: Pick<FreshDatabase, 'ask'>,
  names: TableNames,
  sessions: { readonly old: ReadonlySet<number>; readonly next: ReadonlySet<number> },
  limitMs: number,
): LockWatch {
  const waits = new Map<string, LockWait>();
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const rows = await ask<WaitRow>(waitsSql, [[...sessions.old], [...sessions.next], limitMs]);
      for (const { schema, table, mode, waited, query } of rows) {
        const name = schema === null ? 'a row' : names.nameIn(schema, table ?? undefined);
        if (waited < (waits.get(name)?.waitedMs ?? 0)) continue;
        waits.set(name, { name, mode: mode ?? 'its transaction', waitedMs: waited, query });
      }
      // Often enough to see each wait that is longer than the limit, once it is.
      await new Promise((resolve) => setTimeout(resolve, Math.min(limitMs, looksEveryMs)));
    }
  };
  const looking = look();
  return {
    async end() {
      over.abort();
      await looking;
      return [...waits.values()];
    },
  };
}

const looksEveryMs = 50;
