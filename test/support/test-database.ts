import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import type { PoolClient, PoolConfig, QueryResult, QueryResultRow } from 'pg';
import { asAdmin, expectNoClientOut, expectNoSession, withClient } from './leaks.ts';

/** A database of its own, with a list of the pools that it has opened. */
export class TestDatabase {
  readonly name = `slipway_test_${randomBytes(6).toString('hex')}`;
  readonly url: string;
  readonly #adminUrl: string;
  readonly #pools = new Map<Pool, Set<PoolClient>>();

  /** @param adminUrl The connection string of a user that may create databases. */
  constructor(adminUrl: string) {
    const url = new URL(adminUrl);
    url.pathname = `/${this.name}`;
    this.#adminUrl = adminUrl;
    this.url = url.href;
  }

  /** Creates an empty database. Unlike template1, template0 has no objects that a user has added. */
  async create(): Promise<void> {
    await asAdmin(this.#adminUrl, (admin) => {
      return admin.query(`create database ${this.name} template template0`);
    });
  }

  /** Makes a pool on this database, which is checked for leaks and ended. An idle client that breaks is no crash. */
  pool(options: PoolConfig = {}): Pool {
    const pool = new Pool({ connectionString: this.url, ...options });
    const clients = new Set<PoolClient>();
    pool.on('error', () => undefined);
    pool.on('connect', (client) => clients.add(client));
    pool.on('remove', (client) => clients.delete(client));
    this.#pools.set(pool, clients);
    return pool;
  }

  /** Runs one statement on a connection of its own, which no leak check can see. */
  readonly query = <Row extends QueryResultRow = QueryResultRow>(
    sql: string,
    params: unknown[] = [],
  ): Promise<QueryResult<Row>> => withClient(this.url, (client) => client.query<Row>(sql, params));

  /** The pools that are open now. */
  pools(): ReadonlySet<Pool> {
    return new Set(this.#pools.keys());
  }

  /**
   * Ends all pools but `kept`. Throws when a client of any pool is still checked out, or when a session
   * is left that does not belong to a kept pool. All leaked sessions are ended, so that the next test is clean.
   */
  async expectNoLeak(kept: ReadonlySet<Pool> = new Set()): Promise<void> {
    const problems: unknown[] = [];
    try {
      await expectNoClientOut([...this.#pools.keys()]);
    } catch (problem) {
      problems.push(problem);
      this.#forgiveLostClients();
    }
    for (const pool of this.#pools.keys()) {
      if (kept.has(pool)) continue;
      // A pool with a client that is checked out never ends, so its sessions are cut below.
      const ending = pool.ending ? undefined : pool.end();
      if (problems.length === 0) await ending;
    }
    const allowedPids = [...this.#pools]
      .filter(([pool]) => kept.has(pool))
      .flatMap(([, clients]) => [...clients].map(processId));
    for (const pool of this.#pools.keys()) if (!kept.has(pool)) this.#pools.delete(pool);
    try {
      const patience = problems.length === 0 ? {} : { patienceMs: 0 };
      await expectNoSession(this.#adminUrl, this.name, { allowedPids, ...patience });
    } catch (problem) {
      problems.push(problem);
      await this.#cutSessions();
    }
    if (problems.length > 0) throw new Error(problems.map(String).join('\n'));
  }

  /** Drops the database and ends its sessions. */
  async drop(): Promise<void> {
    this.#forgiveLostClients();
    await asAdmin(this.#adminUrl, (admin) => {
      return admin.query(`drop database if exists ${this.name} with (force)`);
    });
  }

  async #cutSessions(): Promise<void> {
    await asAdmin(this.#adminUrl, (admin) => {
      return admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
        [this.name],
      );
    });
  }

  /** Call it only after the check for leaks: until then, a missing listener must crash the test. */
  #forgiveLostClients(): void {
    for (const clients of this.#pools.values()) {
      for (const client of clients) client.on('error', () => undefined);
    }
  }
}

/** Returns the pid of the backend. `pg` has it on each client, and leaves it out of its types. */
function processId(client: PoolClient): number {
  const { processID } = client as PoolClient & { readonly processID?: unknown };
  if (typeof processID !== 'number') throw new Error('This pg client has no processID');
  return processID;
}
