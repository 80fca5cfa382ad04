import { roundMs } from '../../core/duration.ts';
import { problemError } from '../../core/errors.ts';
import type { LockHolder } from '../../core/waits.ts';
import { isConnectionLost, readSqlState } from '../connection/connection-error.ts';
import type { PatientPool } from '../connection/connect-with-patience.ts';
import type { PoolLike } from '../connection/connection.ts';
import { withPinnedClient } from '../connection/pinned-client.ts';
import { lockTimeoutSql } from '../connection/session-settings.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { findUnsafe } from '../history/migration-policies.ts';
import { findNext, leaveOut } from '../history/unfinished-file.ts';
import type { Migration } from '../sources/migration.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { KnownExtensions } from '../survey/known-extensions.ts';
import { findUnfinishedReplaced } from '../survey/unfinished-problems.ts';
import { lookIntoFailure } from './failure-lookup.ts';
import {
  beginFile,
  startProgress,
  type CommandFile,
  type MigrateOptions,
  type Migrating,
  type PreparedFile,
} from './migrating.ts';
import { waitsForDisk } from './durability.ts';
import { explainGuard } from './guard-failure.ts';
import { learnReplaced, prepareSquash } from './history-sql.ts';
import { explainFailure } from './migration-error.ts';
import { SessionLock, TransactionLock, type HeldMigrationLock } from './migration-lock.ts';
import { passingReason, retryPassingFailures } from './migration-retry.ts';
import { prepareFile } from './prepare-file.ts';
import { runCommands } from './run-commands.ts';
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
    const { rowsKnown: rows, comment } = progress;
    if (progress.isUnflushed) options.onUnflushed?.({ historySchema, rows, comment });
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
  await hashLongForms(plugin.files, first.rows, plugin.schema);
  progress.pending = planUnderLock(run, first).pending;
  if (progress.pending.length === 0) return makeMissing(run, first);
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
      const { replaced } = outcome;
      emit({
        type: 'plugin.migrate.applied',
        plugin: plugin.id,
        file: file.name,
        durationMs,
        ...(replaced !== undefined && { replaced }),
      });
    }
  }
  return { status: 'done', applied: progress.applied };
}

/**
 * Makes what is missing where no file is pending: the further schemas of a release that has no new file. Other files make it in
 * their own transaction.
 */
async function makeMissing(run: Migrating, held: HeldMigrationLock): Promise<MigrationOutcome> {
  const { client, plugin, progress, settings } = run;
  // Without further schemas, a plugin that has no file yet gets nothing at all.
  if (held.missing.length === 0 || plugin.furtherSchemas.length === 0)
    return { status: 'done', applied: progress.applied };
  try {
    await client.query([...held.begin, lockTimeoutSql(settings), ...held.missing].join('; '));
    await client.query([...held.guard, 'commit'].join('; '));
    return { status: 'done', applied: progress.applied };
  } catch (error) {
    await client.rollBack();
    // Another session makes the same schema: that passes like a lock, whose holder is unknown.
    if (!client.lost && passingReason(error)) return { status: 'locked', holder: {} };
    throw explainGuard(run, held, error) ?? error;
  }
}

type FileOutcome =
  | { readonly status: 'applied'; readonly replaced?: number }
  | { readonly status: 'skipped' }
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
  const plan = planUnderLock(run, held);
  if (!plan.pending.includes(file)) {
    progress.isUnflushed = true;
    return { status: 'skipped' };
  }
  const squash = plan.squashes.find((each) => each.file === file);
  const prepared = squash ? prepareSquash(squash) : await prepareFile(run, held, file);
  beginFile(progress, prepared);
  const isWaiting = !prepared.inTransaction || waitsForDisk(run);
  emitApplying(run, prepared);
  try {
    await run.inFile(file.name, () =>
      whileWatched(run, held, file.name, () => runPrepared(run, held, prepared)),
    );
  } catch (error) {
    // When the connection broke, the file may be committed all the same.
    if (run.client.lost && !isWaiting) progress.isUnflushed = true;
    throw error;
  }
  progress.isUnflushed = !isWaiting;
  held.missing = [];
  learnReplaced(run, held, file);
  progress.comment = held.comment;
  if (squash) held.done = leaveOut(held.done, file.historyName);
  progress.applied.push(file.name);
  // A file that repeats has its row already.
  progress.rowsKnown += (plan.repeats.includes(file) ? 0 : 1) - (prepared.replaced?.length ?? 0);
  progress.open = undefined;
  progress.isCommitting = false;
  return squash ? { status: 'applied', replaced: squash.rows.length } : { status: 'applied' };
}

function runPrepared(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile | CommandFile,
): Promise<void> {
  if (file.inTransaction) return runInTransaction(run, held, file);
  return 'done' in file ? runCommands(run, held, file) : runOutsideTransaction(run, held, file);
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
  { file, count, inTransaction, ...rest }: PreparedFile | CommandFile,
): void {
  const isGoingOn = 'done' in rest && rest.done.length > 0;
  const next = isGoingOn ? findNext(rest.commands, rest.done) : undefined;
  emit({
    type: 'plugin.migrate.applying',
    plugin: plugin.id,
    file: file.name,
    index: progress.pending.indexOf(file) + 1,
    of: progress.pending.length,
    ...(count !== undefined && { statements: count }),
    transaction: inTransaction,
    ...(next !== undefined && next !== count && { goesOnAt: next + 1 }),
  });
}

/**
 * Finds what is pending by the history that was read with the lock. Another replica, also one of another release, may have
 * migrated since the survey, and while the lock was not held.
 *
 * @throws BootError `MIGRATION_HISTORY_UNKNOWN`
 */
export function planUnderLock(
  { plugin, progress }: Migrating,
  held: HeldMigrationLock,
): MigrationPlan<Migration> {
  if (progress.planned?.held === held) return progress.planned.plan;
  const { files, schema } = plugin;
  const { rows, replaced } = held;
  const plan = planMigrations(files, rows, schema, replaced);
  const [unsafe] = [
    ...findUnsafe({ ...plugin, plan, replaced }),
    ...findUnfinishedReplaced(plugin.id, plan.pending, held.done ?? []),
  ];
  if (unsafe) throw problemError(unsafe, 'migrateAll');
  progress.planned = { held, plan };
  progress.rowsKnown = rows.length;
  progress.comment = held.comment;
  return plan;
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
