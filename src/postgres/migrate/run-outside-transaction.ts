import { lastRow } from '../connection/connection.ts';
import { isLockFreed } from '../locks/advisory-lock.ts';
import { lockFreed, migrationFailed } from './migration-error.ts';
import {
  createMissingSql,
  insertHistorySql,
  type MissingParts,
} from '../history/migration-history.ts';
import {
  rollBack,
  strayed,
  tellStatement,
  type TransactionContext,
} from './migration-transaction.ts';
import { beginCommit, beginWork, finishWork } from './migration-progress.ts';
import type { MigrationWork, WorkStatement } from './migration-work.ts';
import { readLoneCommand, type LoneCommand } from '../sql/lone-commands.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import { placeIn, placeSql, sessionGuardSql } from '../connection/place-guard.ts';
import { clearUnfinishedIndex } from './unfinished-index.ts';

type OutsideContext = TransactionContext & { readonly signal: AbortSignal };

/**
 * Runs a migration that wants no transaction. Its history row can only come after it, so a crash between the two runs it
 * again: what a killed index build has left is taken away first, and an index that is there already counts as done.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA` or `MIGRATION_FAILED`, or what pg threw. What its statements have done stays.
 */
export async function runOutsideTransaction(
  client: PinnedClient,
  work: MigrationWork,
  missing: MissingParts,
  context: OutsideContext,
): Promise<void> {
  const { progress, historySchema, historyShape, backendPid } = context;
  beginWork(progress, work);
  let refused: unknown;
  try {
    const preparing = createMissingSql(missing, historySchema, historyShape);
    if (preparing.length > 0) await client.query(preparing.join(';'));
    // A function that ran before may have left another path.
    await expectPlace(client, context, `set search_path = ${context.searchPath}`);
    await work.run((statement) =>
      runUnlessDone(client, statement, context).catch((error: unknown) => {
        refused = error;
        throw error;
      }),
    );
    progress.statement = undefined;
    refuseOpenTransaction(client, context);
    await expectPlace(client, context);
    beginCommit(progress);
    const row = insertHistorySql(historySchema, work.file, historyShape);
    const look = context.extensions.afterFile(work.file);
    const guards = [sessionGuardSql(backendPid), ...context.lockGuard];
    const parts = [row, ...guards, ...(look === undefined ? [] : [look])];
    context.extensions.learnFrom(await client.finish(parts.join(';')));
    finishWork(progress, work);
  } catch (error) {
    // A function may have caught what PostgreSQL said, and failed for a reason of its own.
    if (error !== refused) progress.statement = undefined;
    if (client.isInTransaction()) await rollBack(client);
    const elsewhere = placeIn(error);
    if (isLockFreed(error)) throw lockFreed(progress);
    throw elsewhere ? strayed(elsewhere, context) : error;
  }
}

async function expectPlace(
  client: PinnedClient,
  context: TransactionContext,
  ...before: readonly string[]
): Promise<void> {
  const sql = [...before, placeSql].join('; ');
  const place = lastRow(await client.query<{ pid: number; schema: string | null }>(sql));
  if (place?.pid === context.backendPid && place.schema === context.schema) return;
  throw strayed(place && { ...place, transaction: '' }, context);
}

/** Everything of it would be lost with the connection, and the history would say that it was done. */
function refuseOpenTransaction(client: PinnedClient, { progress }: TransactionContext): void {
  if (!client.isInTransaction()) return;
  throw migrationFailed(
    progress,
    new Error('it has left a transaction open'),
    'See that each BEGIN in it has its COMMIT or ROLLBACK. What stood after the last BEGIN is not kept.',
  );
}

async function runUnlessDone(
  client: PinnedClient,
  statement: WorkStatement,
  context: OutsideContext,
): Promise<unknown> {
  const { progress, tell, signal } = context;
  progress.statement = statement;
  const [command] = statement.sql.commands;
  const lone = command && readLoneCommand(command);
  const state = await clearUnfinishedIndex(client, lone ?? anyOther, signal);
  const name = lone?.kind === 'createIndex' ? lone.index : undefined;
  if (state.status === 'taken') {
    throw migrationFailed(
      progress,
      new Error(`there is an index ${name} already, on ${state.table}`),
      'Give the new index a name of its own: two in one schema cannot have the same.',
    );
  }
  if (state.status === 'built') {
    const message = `${progress.work?.file.name}: the index ${name} is there already, and is taken as done`;
    tell({ type: 'boot.warning', message, plugin: progress.plugin });
    return nothingDone;
  }
  const startedAt = context.now();
  const answer = await client.send(statement.query);
  tellStatement(statement, context, startedAt);
  progress.statement = undefined;
  return answer;
}

const anyOther: LoneCommand = { kind: 'other' };

const nothingDone = { command: 'CREATE', rowCount: null, rows: [], fields: [] };
