import type { PoolClient } from 'pg';
import type { HeldClient } from '../connection/held-client.ts';
import { answer } from '../connection/pg-callback.ts';
import { keepCode } from '../sql/sql-lexer.ts';

type Run = (...query: readonly unknown[]) => Promise<unknown>;

/**
 * A client that sets the path in each transaction and nowhere else: right behind the BEGIN of one that is begun on it, and
 * in a transaction of its own around every other statement. Statements run one after another, as on the client itself.
 */
export function scopeTransactions(held: HeldClient, path: string): PoolClient {
  const client = held.client as PoolClient;
  const run = client.query.bind(client) as Run;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    waiting += 1;
    return mine.finally(() => (waiting -= 1));
  };
  const query = (...args: readonly unknown[]): unknown => {
    if (!isSubmittable(args[0])) {
      return answer((plain) => inTurn(() => send(client, path, plain)), args);
    }
    if (waiting === 0 && client.getTransactionStatus() === 'T') return run(...args);
    throw new TypeError('Behind a pooler a cursor or stream needs a transaction: begin one first');
  };
  let isReleased = false;
  const release: PoolClient['release'] = (destroy) => {
    if (isReleased) throw new Error('This client has already been released');
    isReleased = true;
    void inTurn(async () => held.giveBack(destroy || client.getTransactionStatus() !== 'I'));
  };
  const own = new Map<PropertyKey, unknown>([
    ['query', query],
    ['release', release],
  ]);
  // A proxy, because Drizzle and others tell a client by its class, and use more of it than these two.
  return new Proxy(client, {
    get: (target, key) => own.get(key) ?? (Reflect.get(target, key, target) as unknown),
  });
}

/** Runs one statement in a transaction of its own, under the path. */
export async function queryAlone(
  client: PoolClient,
  path: string,
  query: readonly unknown[],
): Promise<unknown> {
  const run = client.query.bind(client) as Run;
  try {
    await run(`begin; set local search_path = ${path}`);
    const result = await run(...query);
    await run('commit');
    return result;
  } catch (error) {
    // When that fails too, the client is still inside of it or is lost, and its pool does not keep it.
    await run('rollback').catch(() => undefined);
    throw error;
  }
}

export function isSubmittable(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'submit' in query;
}

function send(client: PoolClient, path: string, query: readonly unknown[]): Promise<unknown> {
  const [what, ...rest] = query;
  const run = client.query.bind(client) as Run;
  if (client.getTransactionStatus() !== 'I') return run(...query);
  const config = typeof what === 'string' ? { text: what } : (what as { readonly text: string });
  const begin = withPath(config.text, path);
  return begin === undefined
    ? queryAlone(client, path, query)
    : run({ ...config, text: begin }, ...rest);
}

/** A text that begins a transaction, with the path set as the first thing in it; `undefined` for any other. */
function withPath(text: string, path: string): string | undefined {
  const code = keepCode(text);
  if (!/^\s*(?:begin|start\s+transaction)\b/i.test(code)) return undefined;
  const end = code.includes(';') ? code.indexOf(';') : text.length;
  // On a line of its own, in case there is a comment in front of it.
  return `${text.slice(0, end)}\n; set local search_path = ${path}${text.slice(end)}`;
}
