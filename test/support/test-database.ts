import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import type { PoolClient, PoolConfig, QueryResult, QueryResultRow } from 'pg';
import { asAdmin, expectNoClientOut, expectNoSession, withClient } from './leaks.ts';

/** A database of its own, with a list of everything that was opened on it through us. */
export class TestDatabase {
  readonly name = `slipway_test_${randomBytes(6).toString('hex')}`;
  readonly url: string;
  readonly #adminUrl: string;
  readonly #pools = new Map<Pool, Set<PoolClient>>();

  /** @param adminUrl connection string of a user who may create databases */
  constructor(adminUrl: string) {
    const url = new URL(adminUrl);
    url.pathname = `/${this.name}`;
    this.#adminUrl = adminUrl;
    this.url = url.href;
  }

  /** Creates it empty: template0 holds nothing that somebody put into template1. */
  async create(): Promise<void> {
    await asAdmin(this.#adminUrl, (admin) => {
      return admin.query(`create database ${this.name} template template0`);
    });
  }

  /** A pool on this database, ended by us and checked for leaks; an idle client that dies is no crash. */
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
   * Ends all pools but `kept` and throws when a client is checked out of any pool, or a session is
   * left that belongs to none of the kept ones. What leaked is cut off, so that the next test is clean.
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
      // A pool with a client out never ends: it is told to, and its sessions are cut below.
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

  /** Drops the database, with whoever is still in it. */
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

  /** Only now, when the leak has been seen: before, a missing listener must show as the crash it is. */
  #forgiveLostClients(): void {
    for (const clients of this.#pools.values()) {
      for (const client of clients) client.on('error', () => undefined);
    }
  }
}

/** `pg` has the backend's pid on each client, and leaves it out of its types. */
function processId(client: PoolClient): number {
  const { processID } = client as PoolClient & { readonly processID?: unknown };
  if (typeof processID !== 'number') throw new Error('This pg client has no processID');
  return processID;
}
