import { listNames } from '../../core/printable.ts';
import { lastRow } from '../connection/connection.ts';
import {
  transactionGuardSql,
  sessionColumns,
  type SessionFacts,
} from '../connection/session-guard.ts';
import { lockTimeoutSql } from '../connection/session-settings.ts';
import { insertHistorySql } from '../history/migration-history.ts';
import { rememberSchemasSql, straysAmong, strayObjectsSql } from '../survey/stray-objects.ts';
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
  try {
    await sendOneByOne(run, held, file);
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
  const { client, plugin, progress } = run;
  const opened = lastRow(await client.query<SessionFacts>(openingSql(run, held).join('; ')));
  if (!opened || opened.pid !== held.backendPid || opened.schema !== plugin.schema) {
    throw wrongSession(run, held, opened);
  }
  await file.sendEach((statement) =>
    runStatement(run, statement, () => sendGuarded(run, statement, opened)),
  );
  progress.statement = undefined;
  progress.isCommitting = true;
  learnFromCommit(run, await client.finish(closingSql(run, held, file, opened).join(';')));
}

/** The SQL that begins the transaction of a file, and answers with its session and its schema. */
function openingSql(run: Migrating, held: HeldMigrationLock): readonly string[] {
  const { settings, extensions, progress } = run;
  // A later COMMIT of this run writes to disk, with its own, all that came before it. In an upgrade there is data at stake.
  const isFollowed = progress.rowsAtFirst === 0 && progress.open?.file !== progress.pending.at(-1);
  return [
    ...held.begin,
    lockTimeoutSql(settings),
    ...(isFollowed ? ['set local synchronous_commit = off'] : []),
    ...held.missing,
    `set local search_path = ${extensions.searchPath}`,
    rememberSchemasSql,
    `select ${sessionColumns}`,
  ];
}

async function sendGuarded(
  run: Migrating,
  statement: FileStatement,
  { pid, transaction }: SessionFacts,
): Promise<unknown> {
  const { client, extensions } = run;
  // A text that is left open fails by itself; a guard behind it would be part of the literal.
  const guard = statement.isLeftOpen ? undefined : transactionGuardSql({ pid, transaction });
  const answer = await client.send(statement.query, guard);
  if (!client.isInTransaction()) throw transactionEnded(run);
  const look = extensions.afterStatement(statement.query.text);
  if (look !== undefined) await client.query(look);
  return answer;
}

/** The history row, a last look around, and COMMIT, in one message: nothing can come between them. */
function closingSql(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile,
  opened: SessionFacts,
): readonly string[] {
  const { plugin, settings, extensions } = run;
  const { schema, historySchema } = plugin;
  const policy = file.mayReachOut ? 'off' : settings.strayObjects;
  return [
    insertHistorySql(historySchema, file.file, held.shape),
    transactionGuardSql({ ...opened, schema }),
    ...held.guard,
    ...(policy === 'off' ? [] : [strayObjectsSql({ schema, historySchema }, policy)]),
    ...extensions.afterFile(file.file),
    'commit',
  ];
}

function learnFromCommit(
  { plugin, extensions, progress, emit }: Migrating,
  answers: unknown,
): void {
  extensions.learnFrom(answers);
  const strays = straysAmong(answers);
  if (strays.length === 0) return;
  const message = `${progress.open?.file.name} made ${listNames(strays)} outside of the schema ${plugin.schema}`;
  emit({ type: 'boot.warning', message, plugin: plugin.id });
}
