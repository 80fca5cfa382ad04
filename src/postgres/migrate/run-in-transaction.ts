import { lastRow } from '../connection/connection.ts';
import { askAll } from '../connection/question.ts';
import {
  sessionColumns,
  transactionGuardSql,
  type SessionFacts,
} from '../connection/session-guard.ts';
import { sendAsBatch } from './run-as-batch.ts';
import { closingSql, openingSql } from './transaction-sql.ts';
import {
  runStatement,
  type FileStatement,
  type Migrating,
  type PreparedFile,
} from './migrating.ts';
import { explainGuard, wrongSession, transactionEnded } from './guard-failure.ts';
import type { HeldMigrationLock } from './migration-lock.ts';

/**
 * Runs one migration file and its history row in one transaction: all of it, or nothing. Neither the pool, nor a proxy, nor
 * the file itself is trusted: with every statement the server checks that this is still the pinned connection and the same
 * transaction, and with the COMMIT also that new objects go to the plugin's own schema, that the migration lock is still held
 * and that nothing was made elsewhere.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS` or `MIGRATION_FAILED`, or what pg threw. The transaction is rolled back.
 */
export async function runInTransaction(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile,
): Promise<void> {
  const { client } = run;
  const batch = run.isDirect && client.takesBatches ? file.batch?.() : undefined;
  try {
    if (batch) await sendAsBatch(run, held, file, batch);
    else await sendOneByOne(run, held, file);
  } catch (error) {
    await client.rollBack();
    throw explainGuard(run, held, error) ?? error;
  }
}

/** Sends what opens the transaction, each statement, and what closes it, in one message each. */
async function sendOneByOne(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile,
): Promise<void> {
  const { client, progress } = run;
  const opened = await openTransaction(run, held);
  await file.sendEach((statement) =>
    runStatement(run, statement, () => sendGuarded(run, statement, opened)),
  );
  progress.statement = undefined;
  progress.isCommitting = true;
  await askAll(client, closingSql(run, held, file));
}

/**
 * Opens the transaction of a file, or the part of an open one that is the file's.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA` when another session has answered, or the plugin's schema is not in front
 */
export async function openTransaction(
  run: Migrating,
  held: HeldMigrationLock,
): Promise<SessionFacts> {
  const { client, plugin } = run;
  const opening = openingSql(run, held).map(({ text }) => `${text}; `);
  const opened = lastRow(
    await client.query<SessionFacts>(`${opening.join('')}select ${sessionColumns}`),
  );
  if (!opened || opened.pid !== held.backendPid || opened.schema !== plugin.schema) {
    throw wrongSession(run, held, opened);
  }
  return opened;
}

/** Sends a statement of a file, and fails when it has run in another session or transaction. */
export async function sendGuarded(
  run: Migrating,
  statement: FileStatement,
  { pid, transaction }: SessionFacts,
): Promise<unknown> {
  const { client, extensions } = run;
  // A text that is left open fails by itself; a guard behind it would be part of the literal.
  const guard = statement.isLeftOpen ? undefined : transactionGuardSql({ pid, transaction });
  const { long, query } = statement;
  const answer = await (long ? client.sendLong(long, guard) : client.send(query, guard));
  if (!client.isInTransaction()) throw transactionEnded(run);
  const look = extensions.afterStatement(statement.query.text);
  if (look !== undefined) await client.query(look);
  return answer;
}
