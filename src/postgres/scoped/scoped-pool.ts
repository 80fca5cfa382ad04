import type { Pool, PoolClient } from 'pg';
import type { Deadline } from '../../core/patience.ts';
import { answer, isSubmittable, reply } from '../connection/query-call.ts';
import { checkPool } from '../connection/source-check.ts';
import { findSessionChange } from '../sql/refused-commands.ts';
import { SqlText } from '../sql/sql-text.ts';
import { searchPath } from '../sql/identifier.ts';
import { Loans, type Unreturned } from './loans.ts';
import { connectScoped, queryAlone, readScopedQuery, readSession } from './scoped-client.ts';
import { refuseControl, refuseSessionChange } from './transaction-texts.ts';

/** The options of {@link createScopedPool}. */
export interface ScopedPoolOptions {
  /**
   * Schemas behind the plugin's own in the `search_path`.
   *
   * @default []
   */
  readonly extensionSchemas?: readonly string[];
}

/** A scoped pool whose clients can be taken back. */
export interface ScopedPool {
  readonly pool: Pool;
  /** Takes back the clients that are checked out; see {@link Loans.takeBack}. The pool stays open. */
  readonly takeBack: (deadline: Pick<Deadline, 'signal'>) => Promise<Unreturned>;
}

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (destroy?: boolean | Error) => void,
) => void;

/**
 * Creates a pool whose every statement runs under a plugin's `search_path`, on the connections of `pool`, for Drizzle or plain
 * SQL.
 *
 * - `query` runs in a transaction of its own and takes three round trips. Commands that PostgreSQL refuses inside a transaction
 *   (VACUUM, CREATE INDEX CONCURRENTLY), `BEGIN` and `COMMIT`, cursors and streams need `connect()`.
 * - `connect` returns a client whose path is set until it is released. It returns to the pool one round trip later, with its
 *   former path. It is destroyed when it is released inside a transaction, when a `SET` ran on it, or when it cannot be reset.
 *   Behind a pooler the path is set in each of its transactions instead.
 * - `end` does nothing: the connections belong to the host.
 *
 * It keeps honest plugins apart; it is not a security boundary.
 *
 * @throws BootError `OPTIONS_INVALID` when `pool` is not a pg.Pool, or its pg is too old
 * @example const db = drizzle({ client: createScopedPool(pool, 'plugin_catalog'), schema });
 */
export function createScopedPool(
  pool: Pool,
  schema: string,
  { extensionSchemas = [] }: ScopedPoolOptions = {},
): Pool {
  checkPool(pool, 'pool');
  return openScopedPool(pool, schema, searchPath(schema, extensionSchemas)).pool;
}

/** Creates a scoped pool for a plugin, whose clients can be taken back when the plugin stops. */
export function openScopedPool(pool: Pool, schema: string, path: string): ScopedPool {
  const loans = new Loans(pool);
  const own = new Map<PropertyKey, unknown>([
    ['query', (...args: unknown[]) => answer((query) => queryScoped(loans, path, query), args)],
    ['connect', (callback?: ConnectCallback) => connectEitherWay(loans, path, callback)],
    ['end', (...args: unknown[]) => answer(() => Promise.resolve(), args)],
  ]);
  // A proxy, because Drizzle recognizes a pool by its class, and its counts and events are those of the real pool.
  const scoped = new Proxy(pool, {
    get: (target, key, receiver) => own.get(key) ?? (Reflect.get(target, key, receiver) as unknown),
  });
  const ended = `The plugin of ${schema} has stopped while it waited for a client`;
  return { pool: scoped, takeBack: (deadline) => loans.takeBack(ended, deadline) };
}

async function queryScoped(loans: Loans, path: string, args: readonly unknown[]): Promise<unknown> {
  if (isSubmittable(args[0])) {
    throw new TypeError('A cursor or stream needs a client: take one with connect()');
  }
  const query = readScopedQuery(path, args);
  const sql = new SqlText(query.text);
  refuseControl(sql);
  const change = findSessionChange(sql);
  const loan = await loans.take();
  const { client } = loan;
  let isChanged = false;
  try {
    if (change && (await readSession(client)).isPooled) refuseSessionChange(sql);
    isChanged = change !== undefined;
    return await queryAlone(client, path, query);
  } finally {
    // Settings of a SET would reach the next user of the connection.
    loan.giveBack(isChanged || client.getTransactionStatus() !== 'I');
  }
}

function connectEitherWay(
  loans: Loans,
  path: string,
  callback: ConnectCallback | undefined,
): Promise<PoolClient> | undefined {
  const connecting = connectScoped(loans, path);
  if (!callback) return connecting;
  void reply(connecting, (error, client) => {
    callback(error, client, client ? (destroy) => client.release(destroy) : () => undefined);
  });
  return undefined;
}
