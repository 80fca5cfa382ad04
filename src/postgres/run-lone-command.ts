import { migrationFailed } from './migration-error.ts';
import { insertHistorySql } from './migration-history.ts';
import type { MigrationScript } from './migration-script.ts';
import {
  createMissingSql,
  strayed,
  tellStatement,
  type MissingParts,
  type TransactionContext,
} from './migration-transaction.ts';
import type { LoneCommand } from './outside-transaction.ts';
import type { PinnedClient } from './pinned-client.ts';
import { placeIn, placeSql, sessionGuardSql } from './place-guard.ts';
import { clearUnfinishedIndex } from './unfinished-index.ts';

/**
 * Runs a file whose one command refuses a transaction. Its history row can only come after it, so a crash between the two
 * runs it again: what a killed index build has left is taken away first, and an index that is there already counts as done.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA` or `MIGRATION_FAILED`, or what pg threw. What the command has done stays.
 */
export async function runLoneCommand(
  client: PinnedClient,
  script: MigrationScript & { readonly lone: LoneCommand },
  missing: MissingParts,
  context: TransactionContext & { readonly signal: AbortSignal },
): Promise<void> {
  const { progress, historySchema, backendPid } = context;
  progress.script = script;
  progress.statement = undefined;
  progress.isCommitting = false;
  try {
    const preparing = createMissingSql(missing, context);
    if (preparing.length > 0) await client.query(preparing.join(';'));
    await expectPlace(client, context);
    await runUnlessDone(client, script, context);
    progress.statement = undefined;
    progress.isCommitting = true;
    const row = insertHistorySql(historySchema, script.file, context.historyShape);
    await client.finish(`${row};${sessionGuardSql(backendPid)}`);
    progress.applied.push(script.file.name);
    progress.script = undefined;
    progress.isCommitting = false;
  } catch (error) {
    const elsewhere = placeIn(error);
    throw elsewhere ? strayed(elsewhere, context) : error;
  }
}

async function expectPlace(client: PinnedClient, context: TransactionContext): Promise<void> {
  const { rows } = await client.query<{ pid: number; schema: string | null }>(placeSql);
  const [place] = rows;
  if (place?.pid === context.backendPid && place.schema === context.schema) return;
  throw strayed(place && { ...place, transaction: '' }, context);
}

async function runUnlessDone(
  client: PinnedClient,
  script: MigrationScript & { readonly lone: LoneCommand },
  context: TransactionContext & { readonly signal: AbortSignal },
): Promise<void> {
  const { progress, tell, signal } = context;
  const [statement] = script.statements;
  if (!statement) return;
  progress.statement = statement;
  const state = await clearUnfinishedIndex(client, script.lone, signal);
  const name = script.lone.kind === 'createIndex' ? script.lone.index : undefined;
  if (state.status === 'taken') {
    throw migrationFailed(
      progress,
      new Error(`there is an index ${name} already, on ${state.table}`),
      'Give the new index a name of its own: two in one schema cannot have the same.',
    );
  }
  if (state.status === 'built') {
    const message = `${script.file.name}: the index ${name} is there already, and is taken as done`;
    tell({ type: 'boot.warning', message, plugin: progress.plugin });
    return;
  }
  const startedAt = context.now();
  await client.query(statement.text);
  tellStatement(script, statement, context, startedAt);
}
