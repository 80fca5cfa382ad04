import { roundMs } from '../../core/duration.ts';
import { problemError } from '../../core/errors.ts';
import type { LockHolder } from '../../core/waits.ts';
import { isConnectionLost, readSqlState } from '../connection/connection-error.ts';
import type { PatientPool } from '../connection/connect-with-patience.ts';
import type { PoolLike } from '../connection/connection.ts';
import { withPinnedClient } from '../connection/pinned-client.ts';
import { planMigrations } from '../history/migration-plan.ts';
import { isSql, readLongTexts, type Migration } from '../sources/migration.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import { KnownExtensions } from '../survey/known-extensions.ts';
import { findPooledFileProblem } from '../survey/file-problems.ts';
import { lookIntoFailure } from './failure-lookup.ts';
import {
  startProgress,
  type MigrateOptions,
  type Migrating,
  type PreparedFile,
} from './migrating.ts';
import { waitsForDisk } from './durability.ts';
import { explainFailure } from './migration-error.ts';
import { SessionLock, TransactionLock, type HeldMigrationLock } from './migration-lock.ts';
import { retryPassingFailures } from './migration-retry.ts';
import { toScript } from './migration-script.ts';
import { prepareFunction } from './run-function.ts';
import { runInTransaction } from './run-in-transaction.ts';
import { runOutsideTransaction } from './run-outside-transaction.ts';
import { renamePreviousSchema } from './schema-rename.ts';

/** `applied` names the files that were committed. `locked` may come between two files, where the lock is one of each transaction. */
type MigrationOutcome =
  | { readonly status: 'done'; readonly applied: readonly string[] }
  | { readonly status: 'locked'; readonly holder: LockHolder }
  | { readonly status: 'canceled'; readonly applied: readonly string[] };

/**
 * Applies a plugin's pending migrations on one pinned client, under the lock of its schema. Does not wait for the lock:
 * `locked` names its holder, and the client is back in the pool by then. A patient pool gives another connection for one
 * that breaks before the first file has begun.
 *
 * @throws BootError `MIGRATION_FAILED`, `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS`, `MIGRATION_CONNECTION_LOST`,
 * `POOLER_UNSUPPORTED`, `MIGRATION_RENAME_CONFLICT`, `MIGRATION_RENAMED`, `EXTENSION_SCHEMA_MISSING`
 * @example
 * const result = await migratePlugin(pool, plugin, options);
 * if (result.status === 'locked') console.log('waiting for', result.holder.applicationName);
 */
export async function migratePlugin(
  pool: PoolLike | PatientPool,
  plugin: PluginMigrations,
  options: MigrateOptions,
): Promise<MigrationOutcome> {
  const { settings, onExtensionSchemas } = options;
  const progress = startProgress();
  const calledAt = options.clock.elapsed();
  const pin = { ...options, mayRepeat: () => progress.open === undefined };
  try {
    return await withPinnedClient(pool, pin, async (client) => {
      const connectMs = roundMs(options.clock.elapsed() - calledAt);
      const extensions = new KnownExtensions(plugin, settings, onExtensionSchemas);
      const run: Migrating = { ...options, client, plugin, extensions, progress };
      const renaming = await renamePreviousSchema(run);
      if (renaming.status === 'locked') return renaming;
      const lock = run.keepsSession ? new SessionLock(run) : new TransactionLock(run);
      try {
        const outcome = await applyPending(run, lock, connectMs);
        // Another process has committed what was pending before, and may not have waited for the disk.
        const isFoundDone = outcome.status === 'done' && progress.pending.length === 0;
        if (isFoundDone && renaming.status === 'nothing') progress.isUnflushed = true;
        return outcome;
      } catch (error) {
        progress.advice = await lookIntoFailure(run, error);
        throw error;
      } finally {
        await lock.release();
      }
    });
  } catch (error) {
    if (isCanceled(error, options)) return { status: 'canceled', applied: progress.applied };
    throw explainFailure({ plugin, progress }, error);
  } finally {
    const { historySchema } = plugin;
    if (progress.isUnflushed) options.onUnflushed?.({ historySchema, rows: progress.rowsKnown });
  }
}

/** Reads under the lock what is pending, and applies one file after the other. */
async function applyPending(
  run: Migrating,
  lock: SessionLock | TransactionLock,
  connectMs: number,
): Promise<MigrationOutcome> {
  const { plugin, progress, onLock, clock, signal, windDown, emit } = run;
  const first = await lock.take();
  if (!first.acquired) return { status: 'locked', holder: first.holder };
  onLock({ backendPid: first.backendPid, connectMs });
  progress.rowsAtFirst ??= first.rows.length;
  progress.rowsKnown = first.rows.length;
  await hashLongForms(plugin.files, first.rows, plugin.schema);
  progress.pending = planMigrations(plugin.files, first.rows, plugin.schema).pending;
  for (const file of progress.pending) {
    if (signal.aborted || windDown.aborted) {
      return { status: 'canceled', applied: progress.applied };
    }
    const startedAt = clock.elapsed();
    const outcome = await retryPassingFailures(run, file, () => applyFile(run, lock, file));
    if (outcome.status === 'canceled') return { ...outcome, applied: progress.applied };
    if (outcome.status === 'locked') return outcome;
    if (outcome.status === 'applied') {
      const durationMs = roundMs(clock.elapsed() - startedAt);
      emit({ type: 'plugin.migrate.applied', plugin: plugin.id, file: file.name, durationMs });
    }
  }
  return { status: 'done', applied: progress.applied };
}

type FileOutcome =
  | { readonly status: 'applied' | 'skipped' }
  | { readonly status: 'locked'; readonly holder: LockHolder };

/** Makes one attempt at a file, under the lock that is still held or that is taken again for it. */
async function applyFile(
  run: Migrating,
  lock: SessionLock | TransactionLock,
  file: Migration,
): Promise<FileOutcome> {
  const { progress } = run;
  const held = await lock.take();
  if (!held.acquired) {
    // An attempt before this one may have left it.
    progress.open = undefined;
    return { status: 'locked', holder: held.holder };
  }
  if (isAppliedMeanwhile(run, held, file)) {
    progress.isUnflushed = true;
    return { status: 'skipped' };
  }
  const prepared = await prepareFile(run, file);
  progress.open = prepared;
  progress.statement = undefined;
  progress.isCommitting = false;
  progress.isSentWhole = false;
  const isWaiting = !prepared.inTransaction || waitsForDisk(run);
  emitApplying(run, prepared);
  try {
    await run.inFile(file.name, () =>
      whileWatched(run, held, file.name, () =>
        prepared.inTransaction
          ? runInTransaction(run, held, prepared)
          : runOutsideTransaction(run, held, prepared),
      ),
    );
  } catch (error) {
    // When the connection broke, the file may be committed all the same.
    if (run.client.lost && !isWaiting) progress.isUnflushed = true;
    throw error;
  }
  progress.isUnflushed = !isWaiting;
  held.missing = [];
  progress.applied.push(file.name);
  progress.rowsKnown += 1;
  progress.open = undefined;
  progress.isCommitting = false;
  return { status: 'applied' };
}

/** Behind a pooler the session of a transaction is not known to others as ours, and is not watched. */
async function whileWatched(
  { watch, keepsSession, plugin, progress }: Migrating,
  { backendPid }: HeldMigrationLock,
  file: string,
  use: () => Promise<void>,
): Promise<void> {
  const about = { plugin: plugin.id, schema: plugin.schema, file, backendPid };
  progress.watched = keepsSession ? watch?.open(about) : undefined;
  try {
    await use();
  } finally {
    progress.watched?.close();
    progress.watched = undefined;
  }
}

function emitApplying(
  { plugin, progress, emit }: Migrating,
  { file, count, inTransaction }: PreparedFile,
): void {
  emit({
    type: 'plugin.migrate.applying',
    plugin: plugin.id,
    file: file.name,
    index: progress.pending.indexOf(file) + 1,
    of: progress.pending.length,
    ...(count !== undefined && { statements: count }),
    transaction: inTransaction,
  });
}

/** Whether another replica has applied the file while the lock was not held. */
function isAppliedMeanwhile(
  { plugin: { files, schema }, progress }: Migrating,
  { rows }: HeldMigrationLock,
  file: Migration,
): boolean {
  const isOursAlone = rows.length <= progress.rowsKnown;
  return !isOursAlone && !planMigrations(files, rows, schema).pending.includes(file);
}

/**
 * Makes a file ready to be sent. What the survey refuses before the first DDL is refused here for a file that became pending
 * since.
 *
 * @throws BootError `POOLER_UNSUPPORTED`, `EXTENSION_SCHEMA_MISSING`, or `MIGRATION_FILES_INVALID` for a snapshot that is
 *   needed and cannot be read
 */
async function prepareFile(run: Migrating, file: Migration): Promise<PreparedFile> {
  const { plugin, settings, keepsSession, extensions } = run;
  await readLongTexts([file]);
  const unfit = keepsSession ? undefined : findPooledFileProblem(plugin.id, file);
  if (unfit) throw problemError(unfit, 'migrateAll');
  if (isSql(file)) {
    const sent = { file: file.name, sql: file.sql, inTransaction: true };
    refuseMissingExtensionSchema(plugin, sent, extensions.facts, settings);
    return toScript(file, plugin.schema, settings.rewritePublic, extensions.facts);
  }
  return prepareFunction(run, file);
}

/** Whether the failure is what an abort itself brings about, as opposed to one that came just before it. */
function isCanceled(
  error: unknown,
  { signal, windDown }: Pick<MigrateOptions, 'signal' | 'windDown'>,
): boolean {
  if (windDown.aborted && error === windDown.reason) return true;
  if (!signal.aborted) return false;
  return error === signal.reason || readSqlState(error) === '57014' || isConnectionLost(error);
}
