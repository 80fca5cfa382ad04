import { lastRow } from '../connection/connection.ts';
import { askAll, type Question } from '../connection/question.ts';
import { sessionSql, sessionGuardSql, type SessionFacts } from '../connection/session-guard.ts';
import { readLoneCommand, type LoneCommand } from '../sql/lone-commands.ts';
import {
  runStatement,
  type FileStatement,
  type Migrating,
  type PreparedFile,
} from './migrating.ts';
import { explainGuard, indexTaken, wrongSession, transactionLeftOpen } from './guard-failure.ts';
import { historySql } from './history-sql.ts';
import type { HeldMigrationLock } from './migration-lock.ts';
import { clearUnfinishedIndex } from './unfinished-index.ts';

/**
 * Runs a function that wants no transaction, or a long file of one command. Its history row can only come after it, so a crash
 * between the two runs it again: what a killed index build has left is taken away first, and an index that is there already
 * counts as done.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA` or `MIGRATION_FAILED`, or what pg threw. What its statements have done stays.
 */
export async function runOutsideTransaction(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile,
): Promise<void> {
  const { client, extensions, progress } = run;
  let refused: unknown;
  try {
    await openSession(run, held);
    await file.sendEach((statement) =>
      sendUnlessDone(run, statement).catch((error: unknown) => {
        refused = error;
        throw error;
      }),
    );
    progress.statement = undefined;
    // All of it would be lost with the connection, and the history would say that it was done.
    if (client.isInTransaction()) throw transactionLeftOpen(run);
    await expectOwnSession(run, held);
    progress.isCommitting = true;
    // Row and command wait for the disk. `synchronous_commit` could be set for the session only, and would stay set.
    const closing: readonly Question[] = [
      ...historySql(run, held, file).map((text) => ({ text })),
      { text: sessionGuardSql(held.backendPid) },
      ...held.guard.map((text) => ({ text })),
      ...extensions.afterFile(file.file),
    ];
    await askAll(client, closing);
  } catch (error) {
    // A function may have caught what PostgreSQL said, and failed for a reason of its own.
    if (error !== refused) progress.statement = undefined;
    if (client.isInTransaction()) await client.rollBack();
    throw explainGuard(run, held, error) ?? error;
  }
}

/**
 * Makes the schema and the history if they are missing, and sets the path of the session.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA`
 */
export async function openSession(run: Migrating, held: HeldMigrationLock): Promise<void> {
  if (held.missing.length > 0) await run.client.query(held.missing.join(';'));
  held.missing = [];
  // A function that ran before may have left another path.
  await expectOwnSession(run, held, `set search_path = ${run.extensions.searchPath}`);
}

/** @throws BootError `MIGRATION_WRONG_SCHEMA` when another session answers, or new objects would go to another schema. */
export async function expectOwnSession(
  run: Migrating,
  held: HeldMigrationLock,
  ...before: readonly string[]
): Promise<void> {
  const sql = [...before, sessionSql].join('; ');
  const found = lastRow(await run.client.query<Omit<SessionFacts, 'transaction'>>(sql));
  if (found?.pid === held.backendPid && found.schema === run.plugin.schema) return;
  throw wrongSession(run, held, found);
}

/** Runs a statement, unless it builds an index that is there already. */
export async function sendUnlessDone(run: Migrating, statement: FileStatement): Promise<unknown> {
  const { client, plugin, progress, emit } = run;
  progress.statement = statement;
  const [command] = statement.sql.commands;
  const lone = (command && readLoneCommand(command)) ?? anyOther;
  const state = await clearUnfinishedIndex(run, lone);
  const name = lone.kind === 'createIndex' ? lone.index : undefined;
  if (state.status === 'taken') throw indexTaken(run, name, state.table);
  if (state.status === 'built') {
    const message = `${progress.open?.file.name}: the index ${name} exists already, and is taken as done`;
    emit({ type: 'boot.warning', message, plugin: plugin.id });
    return nothingDone;
  }
  const { long, query } = statement;
  return runStatement(run, statement, () => (long ? client.sendLong(long) : client.send(query)));
}

const anyOther: LoneCommand = { kind: 'other' };

const nothingDone = { command: 'CREATE', rowCount: null, rows: [], fields: [] };
