import type { PoolClient } from 'pg';
import type { ClientLike, PoolLike } from '../connection/connection.ts';
import { checkOut, type HeldClient } from '../connection/held-client.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { scopeTransactions } from './scoped-transactions.ts';

/**
 * Takes a client out of the pool whose every statement runs under `path` until it is released. Where the session is its own,
 * the path is set for the session, and put back one round trip after the release. Behind a pooler it is set in each
 * transaction: of the session, the pooler may make somebody else's the next moment.
 */
export async function connectScoped(pool: PoolLike, path: string): Promise<PoolClient> {
  // It keeps the listener of checkOut until its release: a lost connection fails its query, and not the process.
  const held = await checkOut(pool);
  const client = held.client as PoolClient & ClientLike;
  try {
    const { rows } = await client.query<{ path: string; pid: number }>(
      "select current_setting('search_path') as path, pg_backend_pid() as pid",
    );
    const [before] = rows;
    if (client.processID != null && client.processID !== before?.pid) {
      return scopeTransactions(held, path);
    }
    await client.query(`set search_path = ${path}`);
    client.release = releaseWithPath(held, before?.path ?? '');
    return client;
  } catch (error) {
    held.giveBack(true);
    throw error;
  }
}

/** The `release` of a scoped client; the pool puts its own one back when it hands the client out again. */
function releaseWithPath(held: HeldClient, previousPath: string): PoolClient['release'] {
  const client = held.client as PoolClient;
  let isReleased = false;
  return (destroy) => {
    if (isReleased) throw new Error('This client has already been released');
    isReleased = true;
    if (destroy || client.getTransactionStatus() !== 'I') held.giveBack(destroy || true);
    else void resetAndGiveBack(held, previousPath);
  };
}

async function resetAndGiveBack(held: HeldClient, path: string): Promise<void> {
  const isReset = await held.client
    .query(`select set_config('search_path', ${quoteLiteral(path)}, false)`)
    .then(
      () => true,
      () => false,
    );
  held.giveBack(!isReset);
}
