import type { Pool } from 'pg';
import { createScopedPool } from 'slipway';

/** A table that the workers read. */
export interface WorkedTable {
  readonly schema: string;
  readonly table: string;
}

export interface BusyWorkers {
  /** Lets each worker finish its query, then returns how many queries were sent and failed. Any number of calls. */
  stop(): Promise<WorkDone>;
}

export interface WorkDone {
  readonly queries: number;
  /** The messages of those that failed. */
  readonly failures: readonly string[];
}

/**
 * Lets `count` workers read tables through one pool without a pause, as those of a running backend do. Each names its table
 * without a schema, as a plugin would: a connection that was left with another search_path would show as a failure.
 */
export function startBusyWorkers(
  pool: Pool,
  tables: readonly WorkedTable[],
  count: number,
): BusyWorkers {
  const stopping = new AbortController();
  const failures: string[] = [];
  let queries = 0;

  const read = async ({ schema, table }: WorkedTable): Promise<void> => {
    try {
      await createScopedPool(pool, schema).query(`SELECT count(*) FROM "${table}"`);
    } catch (error) {
      failures.push(`${schema}: ${error instanceof Error ? error.message : String(error)}`);
    }
    queries += 1;
  };
  const work = async (own: readonly WorkedTable[]): Promise<void> => {
    while (!stopping.signal.aborted) for (const table of own) await read(table);
  };
  const loops = Array.from({ length: count }, (_, index) =>
    // Each begins elsewhere, so that they are spread over all tables.
    work([...tables.slice(index % tables.length), ...tables.slice(0, index % tables.length)]),
  );
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      return { queries, failures };
    },
  };
}
