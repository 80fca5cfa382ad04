import type { Pool, PoolClient } from 'pg';
import { checkOut, giveBack } from './connection.ts';
import type { ClientLike } from './connection.ts';
import { quoteLiteral } from './identifier.ts';
import { searchPath } from './search-path.ts';

export interface ScopedPoolOptions {
  /** Schemas behind the plugin's own in the search_path; none unless told. */
  readonly extensionSchemas?: readonly string[];
}

type Callback<Result> = (error: Error | undefined, result?: Result) => void;
type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (destroy?: boolean | Error) => void,
) => void;

/**
 * A pool whose every statement runs under a plugin's `search_path`, on the connections of `pool`: for Drizzle or plain SQL.
 *
 * - `query` runs in a transaction of its own and takes three round trips. What PostgreSQL refuses inside a transaction
 *   (VACUUM, CREATE INDEX CONCURRENTLY), cursors and streams need `connect()`.
 * - `connect` gives a client whose path is set until it is released. The pool gets it back one round trip later, with the
 *   path of before; a client that is released inside a transaction, or cannot be reset, is destroyed.
 * - `end` does nothing: the connections belong to the host.
 *
 * It keeps honest plugins apart; it is no security boundary.
 *
 * @example const db = drizzle({ client: createScopedPool(pool, 'plugin_catalog'), schema });
 */
export function createScopedPool(
  pool: Pool,
  schema: string,
  { extensionSchemas = [] }: ScopedPoolOptions = {},
): Pool {
  const path = searchPath(schema, extensionSchemas);
  const own = new Map<PropertyKey, unknown>([
    ['query', (...args: unknown[]) => answer((query) => queryScoped(pool, path, query), args)],
    ['connect', (callback?: ConnectCallback) => connectEitherWay(pool, path, callback)],
    ['end', (...args: unknown[]) => answer(() => Promise.resolve(), args)],
  ]);
  // A proxy, because Drizzle tells a pool by its class; and its numbers and events are those of the real pool.
  return new Proxy(pool, {
    get: (target, key, receiver) => own.get(key) ?? (Reflect.get(target, key, receiver) as unknown),
  });
}

/** pg's two ways to be called: with a callback at the end, or for a promise. */
function answer(
  run: (args: readonly unknown[]) => Promise<unknown>,
  args: readonly unknown[],
): Promise<unknown> | undefined {
  const callback = args.at(-1);
  if (typeof callback !== 'function') return run(args);
  void reply(run(args.slice(0, -1)), callback as Callback<unknown>);
  return undefined;
}

/** The callback runs outside of the promise: what it throws is its own, as with pg, and no failure of the query. */
async function reply<Result>(work: Promise<Result>, callback: Callback<Result>): Promise<void> {
  let answered: () => void;
  try {
    const result = await work;
    answered = () => callback(undefined, result);
  } catch (error) {
    answered = () => callback(error as Error);
  }
  process.nextTick(answered);
}

async function queryScoped(pool: Pool, path: string, query: readonly unknown[]): Promise<unknown> {
  refuseSubmittable(query[0]);
  const client = (await checkOut(pool)) as PoolClient;
  const run = client.query.bind(client) as (...args: readonly unknown[]) => Promise<unknown>;
  let isClean = false;
  try {
    await run(`begin; set local search_path = ${path}`);
    const result = await run(...query);
    await run('commit');
    isClean = true;
    return result;
  } catch (error) {
    isClean = await run('rollback').then(
      () => true,
      () => false,
    );
    throw error;
  } finally {
    giveBack(client, !isClean || client.getTransactionStatus() !== 'I');
  }
}

function refuseSubmittable(query: unknown): void {
  if (typeof query === 'object' && query !== null && 'submit' in query) {
    throw new TypeError('A cursor or stream needs a client: take one with connect()');
  }
}

function connectEitherWay(
  pool: Pool,
  path: string,
  callback: ConnectCallback | undefined,
): Promise<PoolClient> | undefined {
  const connecting = connectScoped(pool, path);
  if (!callback) return connecting;
  void reply(connecting, (error, client) => {
    callback(error, client, client ? (destroy) => client.release(destroy) : () => undefined);
  });
  return undefined;
}

async function connectScoped(pool: Pool, path: string): Promise<PoolClient> {
  // It keeps the listener of checkOut until its release: a lost connection fails its query, and not the process.
  const client = (await checkOut(pool)) as PoolClient;
  try {
    const { rows } = await client.query<{ path: string }>(
      "select current_setting('search_path') as path",
    );
    await client.query(`set search_path = ${path}`);
    client.release = releaseWithPath(client, rows[0]?.path ?? '');
    return client;
  } catch (error) {
    giveBack(client, true);
    throw error;
  }
}

/** The `release` of a scoped client; the pool puts its own one back when it hands the client out again. */
function releaseWithPath(client: PoolClient, previousPath: string): PoolClient['release'] {
  const pooled: ClientLike = {
    query: (query) => client.query(query),
    release: client.release.bind(client),
    off: (event, listener) => client.off(event, listener),
  };
  let isReleased = false;
  return (destroy) => {
    if (isReleased) throw new Error('This client has already been released');
    isReleased = true;
    if (destroy || client.getTransactionStatus() !== 'I') giveBack(pooled, destroy ?? true);
    else void resetAndGiveBack(pooled, previousPath);
  };
}

async function resetAndGiveBack(client: ClientLike, path: string): Promise<void> {
  const isReset = await client
    .query(`select set_config('search_path', ${quoteLiteral(path)}, false)`)
    .then(
      () => true,
      () => false,
    );
  giveBack(client, !isReset);
}
