import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Client } from 'pg';
import type { HeldLock } from '../../core/core-services.ts';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import { isConnectionLost } from '../connection/connection-error.ts';
import {
  ownTypes,
  toClientConfig,
  type DatabaseSource,
  type QueryAnswer,
  type Querying,
} from '../connection/connection.ts';
import { destroySocket } from '../connection/own-pool.ts';
import { nameSession, noticingGoneHosts } from '../connection/session-settings.ts';
import { quoteLiteral } from '../sql/identifier.ts';

/** pg has these, and leaves them out of its types. */
type RealClient = Client & { readonly processID: number | null; ref(): void; unref(): void };

/** The settings of a session that holds locks for days. */
const settings = {
  application_name: nameSession('locks'),
  idle_session_timeout: '0',
  // All locks of the process share the session: none may wait long for a locked table.
  lock_timeout: '10s',
  ...noticingGoneHosts,
};

export interface LockSessionOptions {
  /** Where to connect; nothing of a pool is used but its options. */
  readonly source: DatabaseSource;
  /** `'session'` says that the pooler in between keeps sessions. */
  readonly pooler?: 'session' | undefined;
  /** How long the server may take to let us in, in ms; 0 is for ever. */
  readonly connectWaitMs: number;
  /** Aborted: the socket is destroyed, whatever it waits for. */
  readonly cut?: AbortSignal | undefined;
}

/** A lock as PostgreSQL knows it, and as messages call it. */
export interface NamedLock {
  readonly id: bigint;
  readonly name: string;
}

/** The first 8 bytes, big-endian and signed, of SHA-256 of a text. */
export function hashLockName(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigInt64BE(0);
}

/** A lock that is held, and the session that holds it. */
export interface SessionLock extends HeldLock {
  readonly session: LockSession;
}

/** A connection of its own that holds any number of session locks. */
export class LockSession implements Querying {
  /** Aborted with the reason when the connection is gone, and all its locks with it. */
  readonly lost: AbortSignal;
  readonly #client: RealClient;
  readonly #lost = new AbortController();
  #running = 0;
  #last: Promise<unknown> = Promise.resolve();
  readonly #direct: Querying = {
    query: async <Row>(text: string, values?: readonly unknown[]) => {
      const config = { text, types: ownTypes, ...(values && { values: [...values] }) };
      const answer: unknown = await this.#client.query(config);
      return answer as QueryAnswer<Row>;
    },
  };

  private constructor(client: RealClient) {
    this.#client = client;
    this.lost = this.#lost.signal;
    // Each lock listens, and Node.js warns of a leak at eleven.
    setMaxListeners(0, this.lost);
    client.on('error', (error) => this.#lost.abort(error));
    client.on('end', () => this.#lost.abort(new Error('the connection has ended')));
  }

  /**
   * Connects, with the address and the password of `source`, and no client of it.
   *
   * @param given Aborted: a connection that is not made by then is not waited for.
   * @throws BootError `POOLER_UNSUPPORTED`, where a session lock would belong to the next client.
   */
  static async open(
    { source, pooler, connectWaitMs, cut }: LockSessionOptions,
    given: AbortSignal,
  ): Promise<LockSession> {
    given.throwIfAborted();
    const client = new Client({
      connectionTimeoutMillis: connectWaitMs,
      ...toClientConfig(source),
    }) as RealClient;
    const destroy = (): void => destroySocket(client);
    given.addEventListener('abort', destroy, { once: true });
    cut?.addEventListener('abort', destroy, { once: true });
    client.on('end', () => cut?.removeEventListener('abort', destroy));
    const session = new LockSession(client);
    try {
      await client.connect();
      // Asked first: what is set behind a pooler stays on a session that others get next.
      if (pooler !== 'session' && (await session.#askPid()) !== client.processID) {
        throw poolerUnsupported();
      }
      await session.#prepare();
      return session;
    } catch (error) {
      destroy();
      throw toError(error);
    } finally {
      given.removeEventListener('abort', destroy);
    }
  }

  /** Tries once and never waits: other sessions could wait for one that blocks inside PostgreSQL, and it for them. */
  async tryLock(key: bigint): Promise<boolean> {
    const { rows } = await this.query<{ taken: boolean }>(
      `select pg_try_advisory_lock(${key}) as taken`,
    );
    return rows[0]?.taken === true;
  }

  /** When that fails, the session is gone and the lock with it. */
  async unlock(key: bigint): Promise<void> {
    await this.query(`select pg_advisory_unlock(${key})`).catch(() => undefined);
  }

  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>> {
    return this.alone((client) => client.query<Row>(text, values));
  }

  /**
   * Sends queries with none of another caller between them, one after the other: pg is giving up its own queue. Only a query
   * keeps the process alive: a lock that is held for as long as the process lives does not.
   *
   * @example await session.alone((client) => makeOwnTable(client, table));
   */
  async alone<T>(use: (client: Querying) => Promise<T>): Promise<T> {
    this.#running += 1;
    this.#client.ref();
    const turn = this.#last.then(() => use(this.#direct));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      // pg reports a lost connection some ticks after it failed the query.
      if (isConnectionLost(error)) this.#lost.abort(error);
      throw error;
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#client.unref();
    }
  }

  async end(): Promise<void> {
    await this.#client.end();
  }

  async #askPid(): Promise<number | undefined> {
    const { rows } = await this.query<{ pid: number }>('select pg_backend_pid() as pid');
    return rows[0]?.pid;
  }

  async #prepare(): Promise<void> {
    const list = Object.entries(settings)
      .map(([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`)
      .join(', ');
    await this.query(`select ${list}`);
  }
}

function poolerUnsupported(): BootError {
  return new BootError(
    'POOLER_UNSUPPORTED',
    'A lock needs a session of its own, and the pooler between Slipway and PostgreSQL keeps none',
  );
}
