import { startPostgres, type PostgresServer } from '../start-postgres.ts';
import { createTemplateDatabase } from '../template-database.ts';

/** A PostgreSQL on which databases may be created: its connection string, or a server of `startPostgres()`. */
export type ServerSource = string | PostgresServer;

/** An empty database, which is dropped after its use. */
export interface FreshDatabase {
  readonly url: string;
  /** Asks on a connection that no replica has. */
  readonly ask: <Row extends object>(sql: string, values?: unknown[]) => Promise<readonly Row[]>;
}

/** Makes databases on one server. */
export interface DatabaseMaker {
  /** Creates a database for `use`, and drops it afterwards, with every session in it. */
  readonly withDatabase: <T>(use: (database: FreshDatabase) => Promise<T>) => Promise<T>;
}

/** Calls `use` with a maker of databases. A server that was not given is started, and stopped afterwards. */
export async function withServer<T>(
  source: ServerSource | undefined,
  use: (maker: DatabaseMaker) => Promise<T>,
): Promise<T> {
  // Boots and servers keep no process alive, and node:test ends a test for which nothing else does.
  const alive = setInterval(() => undefined, aDay);
  try {
    if (source !== undefined) return await useServer(source, use);
    await using server = await startPostgres();
    return await useServer(server, use);
  } finally {
    clearInterval(alive);
  }
}

const aDay = 86_400_000;

async function useServer<T>(
  server: ServerSource,
  use: (maker: DatabaseMaker) => Promise<T>,
): Promise<T> {
  // A copy of an empty database is made faster than a new one, and dropped later if this process is killed.
  await using empty = await createTemplateDatabase(server, () => undefined);
  return await use({
    withDatabase: async (work) => {
      await using database = await empty.create();
      const pool = database.pool({ max: 2 });
      return await work({
        url: database.url,
        ask: async <Row extends object>(sql: string, values?: unknown[]) =>
          (await pool.query<Row>(sql, values)).rows,
      });
    },
  });
}
