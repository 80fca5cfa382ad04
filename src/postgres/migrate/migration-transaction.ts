import type { Tell } from '../../core/events.ts';
import { lastRow } from '../connection/connection.ts';
import { isLockFreed } from '../locks/advisory-lock.ts';
import type { KnownExtensions } from '../survey/known-extensions.ts';
import { lockFreed, migrationFailed, strayObjects, wrongSchema } from './migration-error.ts';
import {
  beginCommit,
  beginWork,
  finishWork,
  type MigrationProgress,
} from './migration-progress.ts';
import { guardSql, placeColumns, placeIn, type Place } from '../connection/place-guard.ts';
import {
  createMissingSql,
  insertHistorySql,
  type HistoryShape,
  type MissingParts,
} from '../history/migration-history.ts';
import type { MigrationWork, WorkStatement } from './migration-work.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import {
  rememberSchemasSql,
  straysAmong,
  straysIn,
  strayObjectsSql,
  type StrayPolicy,
} from '../survey/stray-objects.ts';
import { listNames } from '../../core/printable.ts';

/** Begins the transaction of a file: what others commit meanwhile, such as a history row, is seen. */
export const beginSql = 'begin isolation level read committed';

/** Where a plugin's files run, and who hears of it. */
export interface TransactionContext {
  readonly schema: string;
  readonly historySchema: string;
  /** Of the history that is there, or that is made. */
  readonly historyShape: HistoryShape;
  readonly searchPath: string;
  readonly extensions: KnownExtensions;
  /** In ms; 0 is none. */
  readonly lockTimeoutMs: number;
  /** What to do about objects that a file makes outside of both schemas. */
  readonly strayObjects: StrayPolicy;
  /** The backend that holds the lock. */
  readonly backendPid: number;
  /** SQL that begins the transaction; empty when it is open already, because the lock is in it. */
  readonly opening: readonly string[];
  /** SQL that fails when the lock is no longer held; empty when nothing can free it before the transaction ends. */
  readonly lockGuard: readonly string[];
  /** Whether a later COMMIT of this run writes to disk, with its own, all that came before it. */
  readonly isFollowed: boolean;
  readonly progress: MigrationProgress;
  readonly tell: Tell;
  /** In ms, monotonic. */
  readonly now: () => number;
}

/**
 * Runs one migration file and its history row in one transaction: all of it, or nothing. Neither the pool, nor a proxy, nor
 * the file itself is trusted: with every statement the server checks that this is still the pinned connection and the same
 * transaction, and with the COMMIT also that it is the plugin's own schema, that the migration lock is still held and that
 * nothing was made elsewhere.
 *
 * @throws BootError `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS` or `MIGRATION_FAILED`, or what pg threw. The transaction is rolled back.
 */
export async function runInTransaction(
  client: PinnedClient,
  work: MigrationWork,
  missing: MissingParts,
  context: TransactionContext,
): Promise<void> {
  const { progress } = context;
  beginWork(progress, work);
  try {
    const begun = await begin(client, missing, context);
    await work.run((statement) => runStatement(client, statement, begun, context));
    beginCommit(progress);
    await commit(client, work, begun, context);
    finishWork(progress, work);
  } catch (error) {
    await rollBack(client);
    const elsewhere = placeIn(error);
    const strays = straysIn(error);
    if (elsewhere) throw strayed(elsewhere, context);
    if (isLockFreed(error)) throw lockFreed(progress);
    throw strays ? strayObjects(progress, strays) : error;
  }
}

async function begin(
  client: PinnedClient,
  missing: MissingParts,
  context: TransactionContext,
): Promise<Place> {
  const { opening, historySchema, historyShape, searchPath, lockTimeoutMs, isFollowed } = context;
  const answer = await client.query<Place>(
    [
      ...opening,
      `set local lock_timeout = ${lockTimeoutMs}`,
      ...(isFollowed ? ['set local synchronous_commit = off'] : []),
      ...createMissingSql(missing, historySchema, historyShape),
      `set local search_path = ${searchPath}`,
      rememberSchemasSql,
      `select ${placeColumns}`,
    ].join('; '),
  );
  const place = lastRow(answer);
  if (!place || place.pid !== context.backendPid || place.schema !== context.schema) {
    throw strayed(place, context);
  }
  return place;
}

async function runStatement(
  client: PinnedClient,
  statement: WorkStatement,
  { pid, transaction }: Place,
  context: TransactionContext,
): Promise<unknown> {
  const { progress } = context;
  progress.statement = statement;
  const startedAt = context.now();
  // A text that is left open fails by itself; a guard behind it would be part of the literal.
  const guard = statement.isLeftOpen ? undefined : guardSql({ pid, transaction });
  const answer = await client.send(statement.query, guard);
  if (!client.isInTransaction()) throw transactionEnded(progress);
  const look = context.extensions.afterStatement(statement.query.text, context.schema);
  if (look !== undefined) await client.query(look);
  tellStatement(statement, context, startedAt);
  progress.statement = undefined;
  return answer;
}

/** @param startedAt In ms, of the same clock as `context.now`. */
export function tellStatement(
  { number, count }: WorkStatement,
  { progress, tell, now }: TransactionContext,
  startedAt: number,
): void {
  tell({
    type: 'plugin.migrate.statement',
    plugin: progress.plugin,
    file: progress.work?.file.name ?? '',
    statement: number,
    ...(count !== undefined && { statements: count }),
    durationMs: now() - startedAt,
  });
}

/** The history row, one last look around, and COMMIT, in one message: nothing can come between them. */
async function commit(
  client: PinnedClient,
  { file, mayReachOut }: MigrationWork,
  begun: Place,
  context: TransactionContext,
): Promise<void> {
  const { schema, historySchema, historyShape, strayObjects: policy, extensions } = context;
  const { progress, tell, lockGuard } = context;
  const look = extensions.afterFile(file);
  const isWatched = policy !== 'off' && !mayReachOut;
  const parts = [
    insertHistorySql(historySchema, file, historyShape),
    guardSql({ ...begun, schema }),
    ...lockGuard,
    ...(isWatched ? [strayObjectsSql({ schema, historySchema }, policy)] : []),
    ...(look === undefined ? [] : [look]),
    'commit',
  ];
  const answers = await client.finish(parts.join(';'));
  extensions.learnFrom(answers);
  const strays = straysAmong(answers);
  if (strays.length === 0) return;
  const message = `${file.name} made ${listNames(strays)} outside of the schema ${schema}`;
  tell({ type: 'boot.warning', message, plugin: progress.plugin });
}

/** Says what is wrong with the place that the server was found in. */
export function strayed(place: Place | undefined, context: TransactionContext): Error {
  const { schema, backendPid, progress } = context;
  if (place?.pid !== backendPid) {
    return wrongSchema(
      progress,
      `backend ${place?.pid} answered, and backend ${backendPid} holds the lock`,
    );
  }
  return place.schema === schema
    ? transactionEnded(progress)
    : wrongSchema(
        progress,
        `new objects would go to schema ${place.schema}, not ${schema}`,
        'Nothing of this file was kept. Remove SET search_path from it, and see that the role has USAGE on the schema.',
      );
}

function transactionEnded(progress: MigrationProgress): Error {
  return migrationFailed(
    progress,
    new Error('the transaction that Slipway opened for this file was ended by the file itself'),
    'Remove BEGIN, COMMIT and ROLLBACK from it: each file is one transaction anyway. What stood before them may have been committed: look before you start again.',
  );
}

/** Never in the way of the error that led here: without it the connection is destroyed, which rolls back too. */
export async function rollBack(client: PinnedClient): Promise<void> {
  if (client.lost) return;
  try {
    await client.finish('rollback');
  } catch {
    client.markDirty();
  }
}
