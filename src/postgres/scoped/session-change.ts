import type { PoolClient } from 'pg';
import { ownTypes } from '../connection/connection.ts';
import { isBehindPooler, learnBackend } from './path-setting.ts';

/** Asks the server whether a pooler is in between, unless an answer has shown it already. */
export async function askBackend(client: PoolClient): Promise<void> {
  if (isBehindPooler(client) !== undefined) return;
  const text = 'select pg_backend_pid() as pid';
  const { rows } = await client.query<{ pid: number }>({ text, types: ownTypes });
  learnBackend(client, rows[0]?.pid);
}

/**
 * Allows a command whose effect outlives its transaction, such as `SET ROLE`. The caller destroys the client afterwards, which
 * would not end the session behind a pooler.
 *
 * @throws Error behind a pooler
 */
export function allowChange(
  client: PoolClient,
  command: string,
  warn: (message: string) => void,
): void {
  if (isBehindPooler(client)) {
    throw new Error(
      `${command} is refused: it outlives its transaction, and the pooler in between keeps no session`,
    );
  }
  const advice = /^set\b/i.test(command) ? ' SET LOCAL in a transaction has no such price.' : '';
  warn(
    `${command} changes the session of a connection that all plugins share: the connection is closed at its release, and a new one is made.${advice}`,
  );
}
