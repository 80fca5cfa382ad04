import type { Pool, PoolClient } from 'pg';
import { checkOut } from '../connection/held-client.ts';
import { answer, reply } from '../connection/pg-callback.ts';
import { checkPool } from '../connection/source-check.ts';
import { connectScoped } from './scoped-client.ts';
import { isSubmittable, queryAlone } from './scoped-transactions.ts';
import { searchPath } from '../sql/search-path.ts';

/** What a scoped pool may be told. */
export interface ScopedPoolOptions {
  /** Schemas behind the plugin's own in the search_path; none unless told. */
  readonly extensionSchemas?: readonly string[];
}

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
 *   path of before; a client that is released inside a transaction, or cannot be reset, is destroyed. Behind a pooler the
 *   path is set in each of its transactions instead.
 * - `end` does nothing: the connections belong to the host.
 *
 * It keeps honest plugins apart; it is no security boundary.
 *
 * @throws BootError `OPTIONS_INVALID` when `pool` is no pg.Pool, or one of a pg that is too old
 * @example const db = drizzle({ client: createScopedPool(pool, 'plugin_catalog'), schema });
 */
export function createScopedPool(
  pool: Pool,
  schema: string,
  { extensionSchemas = [] }: ScopedPoolOptions = {},
): Pool {
  checkPool(pool, 'pool');
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

async function queryScoped(pool: Pool, path: string, query: readonly unknown[]): Promise<unknown> {
  if (isSubmittable(query[0])) {
    throw new TypeError('A cursor or stream needs a client: take one with connect()');
  }
  const held = await checkOut(pool);
  const client = held.client as PoolClient;
  try {
    return await queryAlone(client, path, query);
  } finally {
    held.giveBack(client.getTransactionStatus() !== 'I');
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
