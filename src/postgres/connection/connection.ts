import { Client, Pool, type ClientConfig, type CustomTypesConfig, type PoolConfig } from 'pg';
import { untilAborted } from '../../core/patience.ts';

/** What a query answers; several statements in one text answer with a list. */
export interface QueryAnswer<Row = unknown> {
  readonly rows: readonly Row[];
}

/** The first row that the last statement of a text answered with. */
export function lastRow<Row>(
  answer: QueryAnswer<Row> | readonly QueryAnswer<Row>[],
): Row | undefined {
  const last = Array.isArray(answer)
    ? (answer as readonly QueryAnswer<Row>[]).at(-1)
    : (answer as QueryAnswer<Row>);
  return last?.rows[0];
}

/** What `pg` takes in place of a text. */
export interface ClientQuery {
  text: string;
  values?: unknown[];
  /** `array` for rows without the names of their columns. */
  rowMode?: string;
  /** How values of PostgreSQL become those of JavaScript. */
  types?: CustomTypesConfig;
  /** In ms; when it has passed pg stops waiting, and the server does not stop working. */
  query_timeout?: number;
}

/** The part of a `pg` client that Slipway uses; only `query` and `release` must be there. */
export interface ClientLike {
  query(query: string | ClientQuery): Promise<unknown>;
  /** Gives the client back to its pool; with `true` or an error the pool destroys it. */
  release(destroy?: boolean | Error): void;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  /** The backend that was announced when the connection was made; a pooler announces one of its own. */
  readonly processID?: number | null;
  /** `I` outside a transaction, `T` inside, `E` inside one that failed. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null;
}

export interface PoolLike {
  connect(): Promise<ClientLike>;
}

/** A pool of the host, or what it takes to make one. */
export type DatabaseSource = Pool | string | PoolConfig;

/** The pools of one piece of work. They may be the same. */
export interface OpenPools extends Omit<OpenPool, 'owned'> {
  /** For migrations and what else needs a session of its own. */
  readonly migrationPool: Pool;
}

export interface OpenPool {
  readonly pool: Pool;
  /** Whether Slipway made the pool, and so ends it. */
  readonly owned: boolean;
  /** Breaks every connection of a pool that Slipway made, whoever has it: for an end that is past its deadline. */
  readonly cut: () => void;
  /** Takes the listener away and ends the pool if it is owned; any number of calls. */
  readonly end: () => Promise<void>;
}

/**
 * Opens the pool to work on. A pool without an `error` listener ends the process when an idle client is killed, so it has
 * one until `end()`. A pool of our own keeps no process alive.
 *
 * @example const { pool, end } = openPool('postgres://localhost/shop');
 */
export function openPool(source: DatabaseSource): OpenPool {
  const isOurs = !isPool(source);
  const made = new Set<Client>();
  const pool = isOurs ? createPool(source, made) : source;
  listen(pool);
  let ended: Promise<void> | undefined;
  return {
    pool,
    owned: isOurs,
    end: () => (ended ??= close(pool, isOurs)),
    cut: () => {
      for (const client of made) destroySocket(client);
    },
  };
}

/** Opens two pools as {@link openPool} does, or one when both come from the same place. */
export function openPools(source: DatabaseSource, migrationSource: DatabaseSource): OpenPools {
  const open = openPool(source);
  if (migrationSource === source) return { ...open, migrationPool: open.pool };
  const migrations = openPool(migrationSource);
  return {
    pool: open.pool,
    migrationPool: migrations.pool,
    end: async () => {
      await Promise.all([open.end(), migrations.end()]);
    },
    cut: () => {
      open.cut();
      migrations.cut();
    },
  };
}

/** Knows every client it has made, also those that are still connecting or never came back. */
function createPool(source: string | PoolConfig, made: Set<Client>): Pool {
  class KnownClient extends Client {
    constructor(config?: ClientConfig) {
      super(config);
      made.add(this);
      this.once('end', () => made.delete(this));
      // A connection that is cut while it is being made has nobody else to tell.
      this.on('error', ignore);
    }
  }
  return new Pool({ ...toConfig(source), Client: KnownClient });
}

function destroySocket(client: Client): void {
  const { connection } = client as unknown as {
    readonly connection?: { readonly stream?: { destroy(): void } };
  };
  connection?.stream?.destroy();
}

async function close(pool: Pool, owned: boolean): Promise<void> {
  try {
    if (owned) await pool.end();
  } finally {
    unlisten(pool);
  }
}

function isPool(source: DatabaseSource): source is Pool {
  return typeof source === 'object' && 'connect' in source && typeof source.connect === 'function';
}

function toConfig(source: string | PoolConfig): PoolConfig {
  const config = typeof source === 'string' ? { connectionString: source } : source;
  return { allowExitOnIdle: true, ...noticingSilence, ...config };
}

/**
 * A network that drops everything and says nothing is noticed within a minute: after 30 s of silence our system asks ten
 * times, once a second. Without that, whoever waits for an answer waits forever.
 *
 * https://nodejs.org/docs/latest-v20.x/api/net.html#socketsetkeepaliveenable-initialdelay
 */
export const noticingSilence = { keepAlive: true, keepAliveInitialDelayMillis: 30_000 } as const;

/**
 * Takes a client out of the pool and gives it an `error` listener before anything else can happen. pg's promise resolves
 * some ticks after the pool took its own listener away, and an error in between would end the process; its callback runs
 * in the same tick. A pool that knows no callbacks answers with the promise.
 */
export function checkOut(pool: PoolLike): Promise<ClientLike> {
  const connect = pool.connect.bind(pool) as (
    callback: (error: Error | undefined, client: ClientLike | undefined) => void,
  ) => Promise<ClientLike> | undefined;
  return new Promise((resolve, reject) => {
    const take = (client: ClientLike): void => {
      client.off?.('error', rememberFirst);
      client.on?.('error', rememberFirst);
      resolve(client);
    };
    connect((error, client) => {
      if (client) take(client);
      else reject(error ?? new Error('The pool gave no client'));
    })?.then(take, reject);
  });
}

/** The other end of {@link checkOut}: the pool listens again before our listener goes. */
export function giveBack(client: ClientLike, destroy?: boolean | Error): void {
  try {
    if (destroy === undefined || destroy === false) client.release();
    else client.release(destroy);
  } finally {
    client.off?.('error', rememberFirst);
    firstErrors.delete(client);
  }
}

/** Why a client that was checked out is broken: pg itself tells it once, to whoever listens at that moment. */
export function firstErrorOf(client: ClientLike): Error | undefined {
  return firstErrors.get(client);
}

const firstErrors = new WeakMap<object, Error>();

/** One function for all clients, so that adding it twice or taking it away needs no bookkeeping. */
function rememberFirst(this: ClientLike, error: Error): void {
  if (!firstErrors.has(this)) firstErrors.set(this, error);
}

/**
 * {@link checkOut} that does not wait for a busy pool or a silent server once `signal` is aborted: the client goes back by
 * itself when it arrives after all.
 *
 * @throws the signal's reason
 */
export async function checkOutUnlessAborted(
  pool: PoolLike,
  signal: AbortSignal,
): Promise<ClientLike> {
  signal.throwIfAborted();
  const arriving = checkOut(pool);
  try {
    return await untilAborted(arriving, signal);
  } catch (error) {
    void arriving.then((client) => giveBack(client), ignore);
    throw error;
  }
}

/** How many boots use each pool: one listener serves all of them, because more than ten are taken for a leak. */
const users = new WeakMap<Pool, number>();

function listen(pool: Pool): void {
  const count = users.get(pool) ?? 0;
  if (count === 0) pool.on('error', ignore);
  users.set(pool, count + 1);
}

function unlisten(pool: Pool): void {
  const count = (users.get(pool) ?? 1) - 1;
  if (count === 0) pool.off('error', ignore);
  users.set(pool, count);
}

const ignore = (): void => {};
