import type { Pool, PoolClient, PoolConfig } from 'pg';
import type { DatabaseKeeper, Pg } from './database-keeper.ts';

/** A database of its own, for a test. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** Its connection string, for `pg` and for the option `pool` of `createBoot()`. */
  readonly url: string;
  /** Makes a pool, which `drop()` ends. */
  pool(options?: PoolConfig): Pool;
  /** Ends the pools, cuts every connection that is left, and drops the database. May be called again. */
  drop(): Promise<void>;
}

/** A {@link TestDatabase} that a keeper drops. */
export class KeptDatabase implements TestDatabase {
  readonly name: string;
  readonly url: string;
  readonly #pg: Pg;
  readonly #keeper: DatabaseKeeper;
  readonly #pools = new Map<Pool, Set<PoolClient>>();
  #dropped: Promise<void> | undefined;

  constructor(
    module: Pg,
    keeper: DatabaseKeeper,
    at: { readonly server: string; readonly name: string },
  ) {
    const url = new URL(at.server);
    url.pathname = `/${at.name}`;
    this.name = at.name;
    this.url = url.href;
    this.#pg = module;
    this.#keeper = keeper;
  }

  pool(options: PoolConfig = {}): Pool {
    const pool = new this.#pg.Pool({ connectionString: this.url, ...options });
    const clients = new Set<PoolClient>();
    // An idle client that breaks is replaced. Without a listener it would end the process.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => clients.add(client));
    pool.on('remove', (client) => clients.delete(client));
    this.#pools.set(pool, clients);
    return pool;
  }

  drop(): Promise<void> {
    this.#dropped ??= this.#drop();
    return this.#dropped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }

  /** Ends the pools, also with clients that are not returned: their connections are cut with the database. */
  async endPools(): Promise<void> {
    for (const [pool, clients] of this.#pools) {
      for (const client of clients) client.on('error', () => undefined);
      const ended = pool.ending ? undefined : pool.end();
      if (pool.totalCount === pool.idleCount) await ended;
    }
  }

  async #drop(): Promise<void> {
    await this.endPools();
    await this.#keeper.dropDatabase(this.name);
  }
}
