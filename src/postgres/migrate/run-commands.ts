import { readSqlState } from '../connection/connection-error.ts';
import { askAll } from '../connection/question.ts';
import { sessionGuardSql } from '../connection/session-guard.ts';
import {
  createUnfinishedSql,
  findNext,
  forgetFilesSql,
  leaveOut,
  rememberCommandSql,
  type DoneCommand,
} from '../history/unfinished-file.ts';
import { explainGuard, transactionLeftOpen } from './guard-failure.ts';
import { historySql, learnReplaced, replacedSql } from './history-sql.ts';
import type { CommandFile, Migrating, RunnableCommand } from './migrating.ts';
import type { HeldMigrationLock } from './migration-lock.ts';
import { runInTransaction } from './run-in-transaction.ts';
import { expectOwnSession, openSession, sendUnlessDone } from './run-outside-transaction.ts';

/**
 * Runs a file without a transaction command by command, and goes on where an earlier boot has stopped. A command that can run in
 * a transaction shares one with the row that remembers it, so that it runs exactly once. Any other is remembered right after it:
 * a crash between the two runs it again. The last command takes the history row with it, and the table of the others goes.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS` or `MIGRATION_FAILED`, or what pg threw. The commands
 *   before the one that failed stay.
 */
export async function runCommands(
  run: Migrating,
  held: HeldMigrationLock,
  file: CommandFile,
): Promise<void> {
  const { progress } = run;
  const { commands, done } = file;
  const next = findNext(commands, done) ?? 0;
  const name = done[0]?.file ?? file.file.historyName;
  let count = done.length;
  let isFinished = false;
  progress.goesOnAt = next + 1;
  await openSession(run, held);
  for (const [index, command] of commands.entries()) {
    if (index < next && command.way !== 'session') continue;
    progress.isCommitting = false;
    progress.isSentWhole = false;
    if (command.way === 'session') {
      await runAlone(run, held, command);
      const { query, command: keywords } = command.statement;
      if (/lock_timeout/i.test(query.text)) progress.hasOwnLockTimeout = keywords === 'SET';
      continue;
    }
    progress.goesOnAt = index + 1;
    isFinished = index === commands.length - 1;
    count += 1;
    const row = { file: name, command: count, hash: command.hash };
    const change = isFinished ? finish(run, held, file, name) : remember(run, held, file, row);
    await runRemembered(run, held, file, command, change.sql);
    held.done = change.done;
    learnReplaced(run, held, file.file);
  }
  if (isFinished) return;
  // The last command was a setting, or the file has lost the commands that were to follow.
  progress.goesOnAt = commands.length;
  const change = finish(run, held, file, name);
  await record(run, held, file, change.sql);
  held.done = change.done;
}

/** SQL that changes what is remembered, and the rows after it. */
interface Change {
  readonly sql: readonly string[];
  readonly done: readonly DoneCommand[] | undefined;
}

function remember(
  run: Migrating,
  held: HeldMigrationLock,
  { file }: CommandFile,
  row: DoneCommand,
): Change {
  const { historySchema } = run.plugin;
  const { done } = held;
  return {
    sql: [
      // An older release must not run the replaced files on a part of what stands for them.
      ...replacedSql(run, held, file),
      ...(done === undefined ? [createUnfinishedSql(historySchema)] : []),
      rememberCommandSql(historySchema, row),
    ],
    done: [...(done ?? []), row],
  };
}

function finish(run: Migrating, held: HeldMigrationLock, file: CommandFile, name: string): Change {
  const { historySchema } = run.plugin;
  const { done } = held;
  return {
    sql: [...historySql(run, held, file), ...forgetFilesSql(historySchema, new Set([name]), done)],
    done: leaveOut(done, name),
  };
}

async function runRemembered(
  run: Migrating,
  held: HeldMigrationLock,
  file: CommandFile,
  command: RunnableCommand,
  closing: readonly string[],
): Promise<void> {
  const { progress } = run;
  if (command.way !== 'transaction' || progress.refused.has(command.hash)) {
    await runAlone(run, held, command);
    await record(run, held, file, closing);
    return;
  }
  const { statement, standsAlone } = command;
  const { file: migration, mayReachOut } = file;
  try {
    await runInTransaction(run, held, {
      file: migration,
      inTransaction: true,
      mayReachOut,
      closing,
      ...(standsAlone && { batch: () => [statement] }),
      sendEach: async (send) => void (await send(statement)),
    });
  } catch (error) {
    // Of extensions and functions only PostgreSQL knows it. Nothing was kept: the next attempt runs it alone.
    if (readSqlState(error) === '25001') {
      progress.refused.add(command.hash);
      progress.refusal = error;
    }
    throw error;
  }
}

async function runAlone(
  run: Migrating,
  held: HeldMigrationLock,
  { statement }: RunnableCommand,
): Promise<void> {
  const { client, progress } = run;
  try {
    await sendUnlessDone(run, statement);
    progress.statement = undefined;
    // All of it would be lost with the connection, and its row would say that it was done.
    if (client.isInTransaction()) throw transactionLeftOpen(run);
    await expectOwnSession(run, held);
  } catch (error) {
    throw await explain(run, held, error);
  }
}

/** Writes rows in a message of their own, which is a transaction. It waits for the disk. */
async function record(
  run: Migrating,
  held: HeldMigrationLock,
  { file }: CommandFile,
  closing: readonly string[],
): Promise<void> {
  const { client, progress, extensions } = run;
  progress.statement = undefined;
  progress.isCommitting = true;
  try {
    await askAll(client, [
      ...closing.map((text) => ({ text })),
      { text: sessionGuardSql(held.backendPid) },
      ...held.guard.map((text) => ({ text })),
      ...extensions.afterFile(file),
    ]);
  } catch (error) {
    throw await explain(run, held, error);
  }
}

async function explain(run: Migrating, held: HeldMigrationLock, error: unknown): Promise<unknown> {
  if (run.client.isInTransaction()) await run.client.rollBack();
  return explainGuard(run, held, error) ?? error;
}
