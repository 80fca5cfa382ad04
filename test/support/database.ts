import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import { TestDatabase } from './test-database.ts';

/** The database of a test file, as its tests see it. */
export interface Database {
  readonly name: string;
  readonly url: string;
  /** Makes a pool that is ended and checked for leaks: after the test, or after the file if it was made outside of a test. */
  pool(options?: pg.PoolConfig): pg.Pool;
  /** Runs one statement on a connection of its own. */
  query: TestDatabase['query'];
}

/** The {@link Database} of a test file, which can also make others. */
export interface FileDatabase extends Database {
  /** Creates another empty database for the test that calls it. It is dropped after the test. */
  fresh(): Promise<Database>;
}

/**
 * Gives a test file a database of its own. After each test and after the file, it fails when a
 * client of a pool is still checked out, or when any session is left in the database.
 * The tests of one file run one after another, so none of them may be `concurrent`.
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

/** Runs every step, also after one that failed. Then throws one error for all failures. */
async function inAnyCase(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((failure: unknown) => failures.push(failure));
  if (failures.length > 0) throw new Error(failures.map(String).join('\n'));
}

/** Lists every table of a database, with its schema. */
export async function listTables({ query }: Pick<Database, 'query'>): Promise<readonly string[]> {
  const { rows } = await query<{ name: string }>(
    `select schemaname || '.' || tablename as name from pg_tables
     where schemaname !~ '^(pg_|information_schema)' order by 1`,
  );
  return rows.map(({ name }) => name);
}
