import type { ClientConfig, CustomTypesConfig, Pool, PoolConfig } from 'pg';
import { createOwnPool } from './own-pool.ts';

/** The answer to a query; several statements in one text answer with a list. */
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

/** Runs one query at a time. */
export interface Querying {
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>>;
}

/** A query as `pg` takes it instead of a text. */
export interface ClientQuery {
  text: string;
  values?: unknown[];
  /** Of a prepared statement. */
  name?: string;
  /** `array` for rows without the names of their columns. */
  rowMode?: string;
  /** How values of PostgreSQL become those of JavaScript. */
  types?: CustomTypesConfig;
  /** `extended` for a statement without values that is to be the only one in its text. */
  queryMode?: string;
  /** In ms; when it has passed pg stops waiting, and the server does not stop working. */
  query_timeout?: number;
}

type Format = 'text' | 'binary';
type Parser = (value: string | Buffer) => unknown;

/** The types that Slipway's own queries ask for besides text, as `pg_type` numbers them. */
const boolOid = 16;
const int4Oid = 23;

const parsers: Readonly<Record<number, Readonly<Record<Format, Parser>>>> = {
  [boolOid]: {
    text: (value) => value === 't',
    binary: (value) => (value as Buffer)[0] === 1,
  },
  [int4Oid]: {
    text: Number,
    binary: (value) => (value as Buffer).readInt32BE(0),
  },
};

/**
 * Reads the answers to Slipway's own queries: booleans, int4, and text for all else. A host may change how pg reads any type,
 * for the process or for one pool (`types.setTypeParser(23, BigInt)`, `binary: true`), and that must not change what Slipway
 * takes for an answer. Queries of users keep the parsers of the host.
 *
 * @example await client.query({ text: 'select pg_backend_pid() as pid', types: ownTypes });
 */
export const ownTypes: CustomTypesConfig = {
  // pg's types know the built-in oids only, and one answer for each of them.
  getTypeParser: ((oid: number, format: Format = 'text'): Parser =>
    parsers[oid]?.[format] ?? String) as CustomTypesConfig['getTypeParser'],
};

/** The part of a `pg` client that Slipway uses; only `query` and `release` must be there. */
export interface ClientLike {
  query(query: string | ClientQuery): Promise<unknown>;
  /** Gives the client back to its pool; with `true` or an error the pool destroys it. */
  release(destroy?: boolean | Error): void;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  /** The backend that was announced when the connection was made; a pooler announces one of its own. */
  readonly processID?: number | null;
  /** The server that it is connected to, as its configuration names it. */
  readonly host?: string;
  readonly port?: number;
  /** `I` outside a transaction, `T` inside, `E` inside one that failed. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null;
}

export interface PoolLike {
  connect(): Promise<ClientLike>;
}

/** A pool of the host, or what it takes to make one. */
export type DatabaseSource = Pool | string | PoolConfig;

export interface OpenPool {
  readonly pool: Pool;
  /** Breaks every connection of a pool that Slipway made, also those that are checked out: for an end that is past its deadline. */
  readonly cut: () => void;
  /** Ends a pool that Slipway made, and otherwise takes the listener off; any number of calls. */
  readonly end: () => Promise<void>;
}

/**
 * Opens the pool to work on. A pool without an `error` listener ends the process when an idle client is killed, so a pool
 * of the host has one until `end()`. A pool of our own has it for good, and keeps no process alive.
 *
 * @example const { pool, end } = openPool('postgres://localhost/shop');
 */
export function openPool(source: DatabaseSource): OpenPool {
  if (!isPool(source)) {
    const { pool, end, cut } = createOwnPool(toConfig(source));
    let ended: Promise<void> | undefined;
    return { pool, cut, end: () => (ended ??= end()) };
  }
  listen(source);
  let isEnded = false;
  return {
    pool: source,
    cut: ignore,
    end: async () => {
      if (!isEnded) unlisten(source);
      isEnded = true;
    },
  };
}

/** The pools of a run; they may be the same. `migrationPool` is for what needs a session of its own. */
interface OpenPools extends OpenPool {
  readonly migrationPool: Pool;
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

export function isPool(source: DatabaseSource): source is Pool {
  return typeof source === 'object' && 'connect' in source && typeof source.connect === 'function';
}

/** The options of a connection of its own, beside a pool: nothing of the pool is used but its options. */
export function toClientConfig(source: DatabaseSource): ClientConfig {
  if (typeof source === 'string') return { ...noticingSilence, connectionString: source };
  if (!isPool(source)) return { ...noticingSilence, ...source };
  // pg-pool hides the password from listings, so that a spread leaves it behind.
  const { password } = source.options;
  return { ...noticingSilence, ...source.options, ...(password === undefined ? {} : { password }) };
}

function toConfig(source: string | PoolConfig): PoolConfig {
  const config = typeof source === 'string' ? { connectionString: source } : source;
  return { allowExitOnIdle: true, ...noticingSilence, ...config };
}

/**
 * A network that drops everything and says nothing is noticed within a minute: after 30 s of silence our system asks ten
 * times, once a second. Without that, a query waits for its answer forever.
 *
 * https://nodejs.org/docs/latest-v20.x/api/net.html#socketsetkeepaliveenable-initialdelay
 */
export const noticingSilence = { keepAlive: true, keepAliveInitialDelayMillis: 30_000 } as const;

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
