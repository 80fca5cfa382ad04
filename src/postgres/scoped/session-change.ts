import type { PoolClient } from 'pg';
import { ownTypes } from '../connection/connection.ts';
import { knowsPooler, learnBackend } from './path-setting.ts';

/** Asks the server whether a pooler is in between. Not needed again on this connection. */
export async function askBackend(client: PoolClient): Promise<void> {
  const text = 'select pg_backend_pid() as pid';
  const { rows } = await client.query<{ pid: number }>({ text, types: ownTypes });
  learnBackend(client, rows[0]?.pid);
}

/**
 * Lets a command run whose effect outlives its transaction, such as `SET ROLE`: the client is to be destroyed afterwards. The
 * session behind a pooler cannot be destroyed.
 *
 * @throws Error behind a pooler
 */
export function allowChange(
  client: PoolClient,
  command: string,
  warn: (message: string) => void,
): void {
  if (knowsPooler(client)) {
    throw new Error(
      `${command} is refused: it outlives its transaction, and the pooler in between keeps no session`,
    );
  }
  warn(
    `${command} changes the session of a connection that all plugins share: the connection is closed at its release, and a new one is made. SET LOCAL in a transaction has no such price.`,
  );
}
