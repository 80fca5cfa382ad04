import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import { TestDatabase } from './test-database.ts';

/** The database of a test file, as its tests see it. */
export interface Database {
  readonly name: string;
  readonly url: string;
  /** A pool that is ended and checked for leaks: after the test, or after the file when made outside of one. */
  pool(options?: pg.PoolConfig): pg.Pool;
  /** One statement on a connection of its own. */
  query: TestDatabase['query'];
}

/** {@link Database}, and more of them. */
export interface FileDatabase extends Database {
  /** One more empty database, for the test that calls it: it is dropped afterwards. */
  fresh(): Promise<Database>;
}

/**
 * Gives a test file a database of its own. After each test, and after the file, it fails when a
 * client is still checked out of a pool or a session is left, whoever opened it.
 * Tests of one file run one after another, so none of them may be `concurrent`.
 *
 * @example
 * const db = useDatabase();
 * test('…', async () => { const pool = db.pool({ max: 4 }); … });
 */
export function useDatabase(): FileDatabase {
  const shared = new TestDatabase(inject('postgresUrl'));
  let keptPools: ReadonlySet<pg.Pool> = new Set();
  let extra: TestDatabase[] = [];

  beforeAll(() => shared.create());
  beforeEach(() => {
    keptPools = shared.pools();
  });
  afterEach(async () => {
    const used = extra;
    extra = [];
    await inAnyCase([
      () => shared.expectNoLeak(keptPools),
      ...used.flatMap((database) => [() => database.expectNoLeak(), () => database.drop()]),
    ]);
  });
  afterAll(() => inAnyCase([() => shared.expectNoLeak(), () => shared.drop()]));

  return {
    name: shared.name,
    url: shared.url,
    pool: (options) => shared.pool(options),
    query: (sql, params) => shared.query(sql, params),
    async fresh() {
      const database = new TestDatabase(inject('postgresUrl'));
      extra.push(database);
      await database.create();
      return database;
    },
  };
}

/** Runs every step, also after one that failed, and then throws what failed. */
async function inAnyCase(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((failure: unknown) => failures.push(failure));
  if (failures.length > 0) throw new Error(failures.map(String).join('\n'));
}
