import type pg from 'pg';

/** The part of a pool that the workers use. */
export interface Queryable {
  query(sql: string): Promise<unknown>;
}

/** Workers that run queries until they are stopped. */
export interface Workers {
  /** Resolves when every worker has had its first answer. */
  readonly busy: Promise<void>;
  /** Lets each worker finish its query, then returns the counts of all workers. */
  stop(): Promise<WorkDone>;
}

/** The counts of all workers, and their first error. */
export interface WorkDone {
  readonly queries: number;
  readonly errors: number;
  readonly firstError?: unknown;
}

/**
 * Keeps a pool busy with `count` loops that query it without a pause, as the background workers of a
 * running backend do.
 */
export function saturate(pool: Queryable | pg.Pool, count: number, sql = 'select 1'): Workers {
  const stopping = new AbortController();
  let queries = 0;
  const errors: unknown[] = [];

  const attempt = async (): Promise<void> => {
    try {
      await pool.query(sql);
      queries += 1;
    } catch (error) {
      errors.push(error);
      // When the pool fails at once, the loop must not starve all other code.
      await new Promise(setImmediate);
    }
  };
  const work = async (first: Promise<void>): Promise<void> => {
    await first;
    while (!stopping.signal.aborted) await attempt();
  };
  const firsts = Array.from({ length: count }, attempt);
  const loops = firsts.map(work);

  return {
    busy: Promise.all(firsts).then(() => undefined),
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      const done = { queries, errors: errors.length };
      return errors.length === 0 ? done : { ...done, firstError: errors[0] };
    },
  };
}
