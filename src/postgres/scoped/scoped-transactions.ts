import type { PoolClient } from 'pg';
import { answer, hasCallback } from '../connection/pg-callback.ts';
import type { GivenQuery } from '../connection/query-call.ts';
import { SqlText } from '../sql/sql-text.ts';
import type { Loan } from './loans.ts';
import type { ScopedForm } from './scoped-handle.ts';
import { readTransactionText, refuseSessionChange } from './transaction-texts.ts';

/**
 * Sets the path in each transaction and nowhere else: right after a BEGIN that the plugin sends, and in a transaction of its
 * own around every other statement. Statements run one after another, as on the client itself.
 */
export function scopeTransactions(loan: Loan, path: string): ScopedForm {
  const { client } = loan;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    waiting += 1;
    return mine.finally(() => (waiting -= 1));
  };
  return {
    send: (query) => inTurn(() => send(client, path, query)),
    submit(args) {
      if (waiting === 0 && client.getTransactionStatus() === 'T') {
        const { text } = args[0] as { readonly text?: unknown };
        if (typeof text === 'string') readTransactionText(new SqlText(text), true);
        return (client.query as (...args: readonly unknown[]) => unknown)(...args);
      }
      const refusal = new TypeError(
        'Behind a pooler a cursor or stream needs a transaction: begin one first',
      );
      if (!hasCallback(args)) throw refusal;
      return answer(() => Promise.reject(refusal), args);
    },
    release: (destroy) =>
      void inTurn(async () => loan.giveBack(destroy || client.getTransactionStatus() !== 'I')),
  };
}

/** Runs one statement in a transaction of its own, under the path. */
export async function queryAlone(
  client: PoolClient,
  path: string,
  query: GivenQuery,
): Promise<unknown> {
  try {
    await client.query(`begin; set local search_path = ${path}`);
    const result: unknown = await client.query(query);
    if (client.getTransactionStatus() === 'I') {
      throw new Error(
        'The SQL has ended the transaction that it ran in: take a client with connect()',
      );
    }
    await client.query('commit');
    return result;
  } catch (error) {
    // When that fails too, the client is inside a transaction or lost, and its pool destroys it.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function send(client: PoolClient, path: string, query: GivenQuery): Promise<unknown> {
  const sql = new SqlText(query.text);
  refuseSessionChange(sql);
  const isInside = client.getTransactionStatus() !== 'I';
  const { opens, onlyEnds } = readTransactionText(sql, isInside);
  if (isInside || onlyEnds) return client.query(query);
  return opens
    ? client.query({ ...query, text: withPath(sql, path) })
    : queryAlone(client, path, query);
}

/** Adds the path to a text that begins a transaction, as its first statement. */
function withPath({ text, commands: [begin] }: SqlText, path: string): string {
  const end = begin ? begin.start + begin.code.length : 0;
  return `${text.slice(0, end)}; set local search_path = ${path}${text.slice(end)}`;
}
