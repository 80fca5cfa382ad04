import type { PinnedClient } from './pinned-client.ts';

/**
 * Runs a query of a user in a transaction of its own that refuses every write, in one round trip, with the type parsers of the
 * host. It is one statement: the extended protocol takes no more, so that no COMMIT in the text ends the transaction.
 *
 * @throws an Error for a statement that begins a transaction of its own
 */
export async function queryReadOnly(
  client: PinnedClient,
  text: string,
  values: readonly unknown[],
): Promise<unknown> {
  const request = { text, values: [...values], queryMode: 'extended' };
  const answer = await client.send(
    request,
    "select set_config('transaction_read_only', 'on', true)",
  );
  if (client.isInTransaction()) {
    await client.rollBack();
    throw new Error('query() runs one statement in a transaction of its own: leave out BEGIN');
  }
  return answer;
}
