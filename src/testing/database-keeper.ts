import { randomBytes } from 'node:crypto';
import type pg from 'pg';

/** `pg` itself, which is loaded by the first tool that needs it. */
export type Pg = typeof pg;

/** The first key of the advisory locks of test databases. The second one is in the name of the database. */
const LOCK_CLASS = 0x736c6970;

/** How long another process may prepare a template. */
const PREPARE_LIMIT = '5min';
const LOCK_NOT_AVAILABLE = '55P03';

/** The databases of processes that have ended: their process held a lock with the key in the name as long as it lived. */
const ABANDONED = `
  select datname as name from pg_database
  where datname ~ '^slipway_(test|template)_[0-9a-f]{8}(_[0-9]+)?$'
    and pg_has_role(datdba, 'MEMBER')
    and not exists (
      select from pg_locks
      where locktype = 'advisory' and classid = ${LOCK_CLASS} and objsubid = 2
        and objid = ('x' || substring(datname from '_([0-9a-f]{8})'))::bit(32)::bigint::oid
    )`;

/**
 * One connection of this process that makes and drops its test databases. It holds an advisory lock for each key that stands in
 * a name of theirs, and PostgreSQL frees these when the process ends, however that happens. So a later process knows which
 * databases nothing uses any longer, also one on another host.
 */
export class DatabaseKeeper {
  /** The key of this process. */
  readonly key = randomBytes(4).toString('hex');
  readonly #pg: Pg;
  readonly #url: string;
  /** The locks to take again on a new connection. */
  readonly #claims = new Set<string>();
  readonly #broken = new WeakSet<KeptClient>();
  #client: Promise<KeptClient> | undefined;
  #queries = 0;

  private constructor(module: Pg, url: string) {
    this.#pg = module;
    this.#url = url;
    this.#claims.add(lockCall('pg_advisory_lock', this.key));
  }

  /** Connects, and drops the databases of processes that have ended. */
  static async open(module: Pg, url: string): Promise<DatabaseKeeper> {
    const keeper = new DatabaseKeeper(module, url);
    try {
      for (const { name } of await keeper.query<{ name: string }>(ABANDONED)) {
        // Another process may drop it at the same moment, and one that cannot be dropped harms no test.
        await keeper.dropDatabase(name).catch(() => undefined);
      }
      return keeper;
    } catch (error) {
      await keeper.close();
      throw error;
    }
  }

  /** Runs a statement, on a new connection if the last one broke. */
  async query<Row extends pg.QueryResultRow>(
    sql: string,
    values: unknown[] = [],
  ): Promise<readonly Row[]> {
    const client = await this.#open();
    // Only a statement that runs keeps the process alive, not the connection.
    this.#queries += 1;
    client.ref();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      this.#queries -= 1;
      if (this.#queries === 0) client.unref();
    }
  }

  async dropDatabase(name: string): Promise<void> {
    await this.query(`drop database if exists ${name} with (force)`);
  }

  /** Takes a key for this process alone, if no other has it. */
  async tryTake(key: string): Promise<boolean> {
    const [row] = await this.query<{ taken: boolean }>(
      `select ${lockCall('pg_try_advisory_lock', key)} as taken`,
    );
    return row?.taken === true;
  }

  /** Gives back a key that this process had alone. */
  async giveBack(key: string): Promise<void> {
    await this.query(`select ${lockCall('pg_advisory_unlock', key)}`);
  }

  /** Shares a key with other processes, once none has it alone. */
  async share(key: string): Promise<void> {
    const claim = lockCall('pg_advisory_lock_shared', key);
    await this.query(`set lock_timeout = '${PREPARE_LIMIT}'`);
    try {
      await this.query(`select ${claim}`);
    } catch (cause) {
      if ((cause as { readonly code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw cause;
      throw new Error(`Another process has prepared this template for ${PREPARE_LIMIT}`, { cause });
    } finally {
      await this.query('reset lock_timeout');
    }
    this.#claims.add(claim);
  }

  async stopSharing(key: string): Promise<void> {
    this.#claims.delete(lockCall('pg_advisory_lock_shared', key));
    await this.query(`select ${lockCall('pg_advisory_unlock_shared', key)}`);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.then(
      (open) => open.end(),
      () => undefined,
    );
  }

  /** Returns the connection; a new one when the server has restarted. */
  async #open(): Promise<KeptClient> {
    this.#client ??= this.#connect();
    const opening = this.#client;
    const client = await opening;
    if (!this.#broken.has(client)) return client;
    if (this.#client === opening) this.#client = undefined;
    return this.#open();
  }

  async #connect(): Promise<KeptClient> {
    const client = new this.#pg.Client({
      connectionString: this.#url,
      application_name: 'slipway/testing',
    }) as KeptClient;
    client.on('error', () => this.#broken.add(client));
    try {
      await client.connect();
      await client.query(`select ${[...this.#claims].join(', ')}`);
      client.unref();
      return client;
    } catch (error) {
      this.#client = undefined;
      await client.end().catch(() => undefined);
      throw error;
    }
  }
}

/** `pg` has both methods, and leaves them out of its types. */
type KeptClient = pg.Client & { ref(): void; unref(): void };

function lockCall(name: string, key: string): string {
  return `${name}(${LOCK_CLASS}, x'${key}'::int)`;
}
