import type { PoolClient } from 'pg';
import { ownTypes } from '../connection/own-types.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { findSessionChange } from '../sql/refused-commands.ts';
import { SqlText } from '../sql/sql-text.ts';
import type { Loan, Loans } from './loans.ts';
import { handOut, type ScopedForm } from './scoped-handle.ts';
import { scopeTransactions } from './scoped-transactions.ts';

/**
 * Takes a client of the pool, and runs each of its statements under `path` until it is released. On a direct connection, the
 * path is set for the session, and reset one round trip after the release. Behind a pooler, it is set in each transaction,
 * because the pooler may give the session to another client after it.
 */
export async function connectScoped(loans: Loans, path: string): Promise<PoolClient> {
  const loan = await loans.take();
  const { client } = loan;
  try {
    const session = await readSession(client);
    if (!session.isPooled) await client.query(`set search_path = ${path}`);
    loan.isHeld = true;
    return handOut(
      loan,
      path,
      session.isPooled ? scopeTransactions(loan, path) : scopeSession(loan, session.path),
    );
  } catch (error) {
    loan.giveBack(true);
    throw error;
  }
}

/** The path of a session, and whether a pooler may hand that session on between two transactions. */
export async function readSession(
  client: PoolClient,
): Promise<{ readonly path: string; readonly isPooled: boolean }> {
  const { processID } = client as { readonly processID?: number | null };
  const { rows } = await client.query<{ path: string; pid: number }>({
    text: "select current_setting('search_path') as path, pg_backend_pid() as pid",
    types: ownTypes,
  });
  const [session] = rows;
  return {
    path: session?.path ?? '',
    isPooled: processID != null && processID !== session?.pid,
  };
}

function scopeSession(loan: Loan, previousPath: string): ScopedForm {
  const { client } = loan;
  let isChanged = false;
  return {
    send(query) {
      isChanged ||= findSessionChange(new SqlText(query.text)) !== undefined;
      return client.query(query);
    },
    submit: (args) => (client.query as (...args: readonly unknown[]) => unknown)(...args),
    release(destroy) {
      if (destroy || isChanged || client.getTransactionStatus() !== 'I') {
        loan.giveBack(destroy || true);
      } else void resetAndGiveBack(loan, previousPath);
    },
  };
}

async function resetAndGiveBack(loan: Loan, path: string): Promise<void> {
  const { client } = loan;
  const text = `select set_config('search_path', ${quoteLiteral(path)}, false)`;
  const isReset = await client.query({ text, types: ownTypes }).then(
    () => true,
    () => false,
  );
  // A BEGIN that was not awaited may have run before the reset.
  loan.giveBack(!isReset || client.getTransactionStatus() !== 'I');
}
