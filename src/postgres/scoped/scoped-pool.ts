import type { Pool, PoolClient } from 'pg';
import type { Deadline } from '../../core/patience.ts';
import { BootError } from '../../core/errors.ts';
import { answer, isSubmittable, readCall, reply } from '../connection/query-call.ts';
import { checkPool } from '../connection/source-check.ts';
import { searchPath } from '../sql/identifier.ts';
import { Loans, type Unreturned } from './loans.ts';
import { isBehindPooler } from './path-setting.ts';
import { createPluginScope, type PluginScope } from './plugin-scope.ts';
import { connectScoped } from './scoped-client.ts';
import { sendScoped, type ScopedCall } from './scoped-query.ts';
import { readScopedText, refusePoolText } from './scoped-text.ts';
import { allowChange, askBackend } from './session-change.ts';

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
  /** Refuses further use, and takes back the clients that are checked out; see {@link Loans.takeBack}. The shared pool stays open. */
  readonly takeBack: (deadline: Pick<Deadline, 'signal'>) => Promise<Unreturned>;
}

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (destroy?: boolean | Error) => void,
) => void;

/**
 * Creates a pool whose every statement runs under a plugin's `search_path`, on the connections of `pool`, for Drizzle or plain
 * SQL. The path travels with the statement in one message, and ends with its transaction.
 *
 * - `query` takes one round trip, as on the pool itself. `BEGIN` and `COMMIT`, cursors and streams need `connect()`.
 * - `connect` returns a client; it costs no round trip. A transaction that begins on it has the path; a cursor, a stream and
 *   COPY need one. The client is destroyed when it is released inside a transaction.
 * - Commands that PostgreSQL refuses inside a transaction (VACUUM, CREATE INDEX CONCURRENTLY) are refused.
 * - After `SET`, `LISTEN`, `PREPARE` or `LOAD` the client is destroyed at its release, with a warning of the process. Behind a
 *   pooler they are refused.
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
  const path = searchPath(schema, extensionSchemas);
  const warn = (message: string): void => process.emitWarning(`${schema}: ${message}`);
  return openScopedPool(pool, createPluginScope({ schema, path, warn })).pool;
}

/** Creates a scoped pool for a plugin, whose clients can be taken back when the plugin stops. */
export function openScopedPool(pool: Pool, scope: PluginScope): ScopedPool {
  const loans = new Loans(pool);
  const query = (args: readonly unknown[]): Promise<unknown> => queryScoped(loans, scope, args);
  const own = new Map<PropertyKey, unknown>([
    ['query', (...args: unknown[]) => answer(query, args)],
    ['connect', (callback?: ConnectCallback) => connectEitherWay(loans, scope, callback)],
    ['end', (...args: unknown[]) => answer(() => Promise.resolve(), args)],
  ]);
  // A proxy, because Drizzle recognizes a pool by its class. Its counts and events are those of the real pool.
  const scoped = new Proxy(pool, {
    get: (target, key, receiver) => own.get(key) ?? (Reflect.get(target, key, receiver) as unknown),
  });
  const name = scope.plugin ?? scope.schema;
  const ended = `The database of ${name} was closed while a query waited for a client: plugin or boot has stopped`;
  return {
    pool: scoped,
    takeBack(deadline) {
      loans.close(() => closed(name));
      return loans.takeBack(ended, deadline);
    },
  };
}

function closed(name: string): BootError {
  return new BootError(
    'DATABASE_CLOSED',
    `The database of ${name} is closed: plugin or boot has stopped`,
  );
}

async function queryScoped(
  loans: Loans,
  scope: PluginScope,
  args: readonly unknown[],
): Promise<unknown> {
  if (isSubmittable(args[0])) {
    throw new TypeError('A cursor or stream needs a client: take one with connect()');
  }
  const { text, query, values } = readCall(args);
  const read = readScopedText(text);
  const refusal = refusePoolText(read);
  if (refusal) throw refusal;
  const loan = await loans.take();
  let isSpoilt = false;
  try {
    // Field by field, because a spread takes longer than all the rest of this function.
    const call = { text, query, values, read, isAlone: true };
    return await loan.count(queryOn(loan.client, scope, call));
  } catch (error) {
    // PostgreSQL keeps a plan that no longer fits its table, and pg keeps the name of a statement that is lost.
    isSpoilt = typeof query !== 'string' && query.name !== undefined;
    throw error;
  } finally {
    const isChanged = read.sessionChange !== undefined && !isBehindPooler(loan.client);
    loan.giveBackWhenIdle(() => isSpoilt || isChanged);
  }
}

async function queryOn(client: PoolClient, scope: PluginScope, call: ScopedCall): Promise<unknown> {
  const { sessionChange, form } = call.read;
  if (sessionChange !== undefined) {
    await askBackend(client);
    allowChange(client, sessionChange, scope.warn);
  }
  // Sent alone, a block could commit, and would go on under another path.
  return form === 'block' && call.values
    ? sendInTransaction(client, scope, call)
    : sendScoped(client, scope, call);
}

async function sendInTransaction(
  client: PoolClient,
  scope: PluginScope,
  call: ScopedCall,
): Promise<unknown> {
  await client.query(['begin', ...scope.settings].join('; '));
  try {
    const answered = await sendScoped(client, scope, call);
    await client.query('commit');
    return answered;
  } catch (error) {
    // When ROLLBACK fails too, the client is still in a transaction, or lost, and is destroyed when it is given back.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

function connectEitherWay(
  loans: Loans,
  scope: PluginScope,
  callback: ConnectCallback | undefined,
): Promise<PoolClient> | undefined {
  const connecting = connectScoped(loans, scope);
  if (!callback) return connecting;
  void reply(connecting, (error, client) => {
    callback(error, client, client ? (destroy) => client.release(destroy) : () => undefined);
  });
  return undefined;
}
