import { toCause } from '../../core/error-record.ts';
import { messageOf } from '../../core/foreign-value.ts';
import type { MigrationClient } from '../../core/migration-source.ts';
import { untilAborted } from '../../core/patience.ts';
import { isConnectionLost } from '../connection/connection-error.ts';
import { FunctionClient, type SendRead } from './function-client.ts';
import type { CodeMigration } from '../sources/migration.ts';
import type { MigrationWork, SendStatement, WorkStatement } from './migration-work.ts';
import type { RewrittenSql } from '../sql/sql-edits.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** Where a function runs, and how long. */
export interface FunctionLife {
  readonly schema: string;
  readonly keepsSession: boolean;
  /** Aborted: it is asked to end, and its queries are cancelled. */
  readonly signal: AbortSignal;
  /** Aborted: nobody waits for it any more. */
  readonly cut?: AbortSignal | undefined;
  /** Aborted when the connection breaks: nothing that it goes on with could be kept, and nobody waits for it. */
  readonly broken: AbortSignal;
  /** Rewrites in memory what it sends, as the text of a file is rewritten. */
  readonly rewrite: (sql: SqlText, migration: CodeMigration) => Promise<RewrittenSql>;
}

/** Makes a function ready to run. */
export function toFunctionWork(migration: CodeMigration, life: FunctionLife): MigrationWork {
  const inTransaction = migration.transaction;
  return {
    file: migration,
    inTransaction,
    mayReachOut: false,
    run: (send) => runFunction(migration, life, send),
  };
}

/**
 * Runs a function to its end, and sees that it is the end: no query of it is still on its way, and its client is dead.
 *
 * In a transaction the first failed query is what has failed, whatever the function made of it: PostgreSQL keeps nothing
 * after that, and its COMMIT would be a silent ROLLBACK.
 */
async function runFunction(
  migration: CodeMigration,
  { schema, keepsSession, signal: stop, cut, broken, rewrite }: FunctionLife,
  send: SendStatement,
): Promise<void> {
  const { run, transaction } = migration;
  const sendRewritten: SendRead = async (statement, sql) =>
    send(withText(statement, await rewrite(sql, migration)));
  const client = new FunctionClient(sendRewritten, { inTransaction: transaction, keepsSession });
  const handedOut: MigrationClient = client.handOut();
  const signal = AbortSignal.any([stop, broken]);
  const left = AbortSignal.any([broken, ...(cut ? [cut] : [])]);
  const outcome = await settle(async () => run(handedOut, { signal, schema }), left);
  const isLate = client.isBusy();
  await client.close();
  if (transaction && client.failure) throw client.failure.error;
  if ('thrown' in outcome) {
    throw signal.aborted ? signal.reason : client.failure ? outcome.thrown : own(outcome.thrown);
  }
  if (isLate) {
    throw new Error('run() ended while a query of it was still running: await every query');
  }
}

/** The statement as it is sent; errors point at the text that its author wrote. */
function withText(
  { query, origin, ...statement }: WorkStatement,
  { text, toOriginal }: RewrittenSql,
): WorkStatement {
  return {
    ...statement,
    query: { ...query, text },
    origin: (index) => origin(index === undefined ? undefined : toOriginal(index)),
  };
}

/** Where no query has failed, it is another connection that broke: to a service, or to another database. */
function own(thrown: unknown): unknown {
  return isConnectionLost(thrown) ? new Error(messageOf(thrown), { cause: thrown }) : thrown;
}

async function settle(
  run: () => Promise<unknown>,
  left: AbortSignal,
): Promise<{ readonly thrown?: unknown }> {
  try {
    await untilAborted(run(), left);
    return {};
  } catch (thrown) {
    return { thrown: toCause(thrown) };
  }
}
