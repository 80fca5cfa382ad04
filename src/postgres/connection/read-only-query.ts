import { isRecord } from '../../core/foreign-value.ts';
import type { PinnedClient } from './pinned-client.ts';

/**
 * Runs a query of a user in a transaction of its own that refuses every write, in one round trip, with the type parsers of the
 * host. With values the setting is a statement before the query. A text alone may be several statements, and gets it in front.
 */
export async function queryReadOnly(
  client: PinnedClient,
  text: string,
  values: readonly unknown[],
): Promise<unknown> {
  if (values.length > 0) {
    return client.send({ text, values: [...values] }, settingAsQuestion);
  }
  const answer = await client.send({ text: `set local transaction_read_only = on;\n${text}` });
  const own: readonly unknown[] = Array.isArray(answer) ? answer.slice(1) : [];
  const [only = { rows: [] }] = own;
  return own.length > 1 && own.every(isRecord) ? own : only;
}

const settingAsQuestion = "select set_config('transaction_read_only', 'on', true)";
