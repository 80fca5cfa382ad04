import { hostname as systemHostname } from 'node:os';
import { BootError } from '../core/errors.ts';
import type { LockHolder, Tell } from '../core/events.ts';
import { tryLock, unlockSql } from './advisory-lock.ts';
import { isConnectionLost, isWorthWaiting, sqlStateOf } from './connection-error.ts';
import type { PoolLike } from './connection.ts';
import { lookIntoFailure } from './failure-lookup.ts';
import { connectionLost, migrationFailed } from './migration-error.ts';
import type { MigrationProgress } from './migration-error.ts';
import { readHistory } from './migration-history.ts';
import { retryPassingFailures } from './migration-retry.ts';
import { planMigrations } from './migration-plan.ts';
import { toScript } from './migration-script.ts';
import { runInTransaction, type MissingParts } from './migration-transaction.ts';
import { runLoneCommand } from './run-lone-command.ts';
import { withPinnedClient } from './pinned-client.ts';
import type { PinnedClient } from './pinned-client.ts';
import { searchPath as toSearchPath } from './search-path.ts';
import { prepareSession } from './session-settings.ts';
import type { StrayPolicy } from './stray-objects.ts';
import { schemasOf, type MigrationTarget } from './survey.ts';

export interface MigrateOptions {
  /** Aborted: the running statement is cancelled and its file rolled back. */
  readonly signal: AbortSignal;
  /** Aborted: the current file is finished, and no further one is begun. */
  readonly windDown: AbortSignal;
  /** Aborted: the connection is destroyed, whatever runs. */
  readonly cut?: AbortSignal | undefined;
  readonly tell: Tell;
  /** Schemas behind the plugin's own in the search_path. */
  readonly extensionSchemas: readonly string[];
  /** Whether `"public".` means the plugin's own schema. */
  readonly rewritePublic: boolean;
  /** What to do about objects that a file makes outside of the plugin's schema; `error` unless told. */
  readonly strayObjects?: StrayPolicy | undefined;
  /** The `lock_timeout` of files in a transaction, in ms; 1 s unless told, 0 is none. */
  readonly ddlLockTimeoutMs?: number | undefined;
  /** How long one file is tried again after failures that pass, in ms; 5 minutes unless told. */
  readonly ddlRetryMs?: number | undefined;
  /** In ms; none unless told. */
  readonly statementTimeoutMs?: number | undefined;
  /** Part of the application_name; this machine's unless told. */
  readonly hostname?: string;
  /** Called for each message of SQL sent. */
  readonly onStatement?: (() => void) | undefined;
  /** In ms, monotonic; `performance.now` unless told. */
  readonly now?: () => number;
}

/** `applied` names the files that were committed. */
export type MigrateResult =
  | { readonly status: 'done'; readonly applied: readonly string[] }
  | { readonly status: 'locked'; readonly holder: LockHolder }
  | { readonly status: 'canceled'; readonly applied: readonly string[] };

/**
 * Applies a plugin's pending migrations on one pinned client, under the lock of its schema; what is pending is read again
 * once the lock is held. Does not wait for the lock: `locked` tells who holds it, and the client is already back.
 *
 * @throws BootError `MIGRATION_FAILED`, `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS`, `MIGRATION_CONNECTION_LOST`
 * @example
 * const result = await migratePlugin(pool, { id: 'auth', schema: 'plugin_auth', files }, options);
 * if (result.status === 'locked') console.log('waiting for', result.holder.applicationName);
 */
export async function migratePlugin(
  pool: PoolLike,
  target: MigrationTarget,
  options: MigrateOptions,
): Promise<MigrateResult> {
  const { signal, cut, onStatement } = options;
  const progress: MigrationProgress = {
    plugin: target.id,
    applied: [],
    script: undefined,
    statement: undefined,
    isCommitting: false,
  };
  let lost: Error | undefined;
  try {
    return await withPinnedClient(pool, { signal, cut, onStatement }, async (client) => {
      try {
        return await migrateOn(client, target, options, progress);
      } finally {
        ({ lost } = client);
      }
    });
  } catch (error) {
    if (signal.aborted && isFromAbort(error, signal)) {
      return { status: 'canceled', applied: progress.applied };
    }
    if (error instanceof BootError) throw error;
    // Before the first file the connection may not even have been made.
    const isLost = progress.script ? isConnectionLost : isWorthWaiting;
    if (!isLost(error)) throw migrationFailed(progress, error);
    // What the server said last tells more than how the socket ended.
    throw connectionLost(progress, sqlStateOf(error) ? error : (lost ?? error));
  }
}

async function migrateOn(
  client: PinnedClient,
  target: MigrationTarget,
  options: MigrateOptions,
  progress: MigrationProgress,
): Promise<MigrateResult> {
  const attempt = await tryLock(client, target.schema);
  if (!attempt.acquired) return { status: 'locked', holder: attempt.holder };
  client.markDirty();
  try {
    return await applyPending(client, attempt.backendPid, target, options, progress);
  } catch (error) {
    progress.advice = await lookIntoFailure(client, target.schema, progress, error);
    throw error;
  } finally {
    await unlock(client, target.schema);
  }
}

async function applyPending(
  client: PinnedClient,
  backendPid: number,
  target: MigrationTarget,
  options: MigrateOptions,
  progress: MigrationProgress,
): Promise<MigrateResult> {
  const { signal, windDown, tell, extensionSchemas, now = () => performance.now() } = options;
  const { id: plugin, files } = target;
  const [schema, historySchema] = schemasOf(target);
  const searchPath = toSearchPath(schema, extensionSchemas);
  await prepareSession(client, {
    applicationName: `slipway/${plugin}@${options.hostname ?? systemHostname()}`,
    searchPath,
    statementTimeoutMs: options.statementTimeoutMs ?? 0,
  });
  tell({ type: 'plugin.migrate.started', plugin });

  const history = await readHistory(client, schema, historySchema);
  const lockTimeoutMs = options.ddlLockTimeoutMs ?? 1_000;
  const retryMs = options.ddlRetryMs ?? 300_000;
  const retry = { lockTimeoutMs, retryMs, signal, windDown, tell, now };
  const historyShape = history.shape ?? files[0]?.format ?? '0.x';
  let missing: MissingParts = { schemas: history.missingSchemas, history: !history.shape };
  for (const file of planMigrations(files, history.rows, schema).pending) {
    if (signal.aborted || windDown.aborted) {
      return { status: 'canceled', applied: progress.applied };
    }
    const startedAt = now();
    const script = toScript(file, schema, options.rewritePublic);
    const context = {
      schema,
      historySchema,
      historyShape,
      searchPath,
      lockTimeoutMs,
      strayObjects: options.strayObjects ?? 'error',
      backendPid,
      progress,
      tell,
      now,
      signal,
    };
    const { lone } = script;
    const toMake = missing;
    const outcome = await retryPassingFailures(client, script, progress, retry, () =>
      lone
        ? runLoneCommand(client, { ...script, lone }, toMake, context)
        : runInTransaction(client, script, toMake, context),
    );
    if (outcome === 'canceled') return { status: 'canceled', applied: progress.applied };
    missing = { schemas: [], history: false };
    tell({
      type: 'plugin.migrate.applied',
      plugin,
      file: file.name,
      durationMs: now() - startedAt,
    });
  }
  return { status: 'done', applied: progress.applied };
}

/** The end of the session frees the lock as well; this only spares the next one the wait for it. */
async function unlock(client: PinnedClient, schema: string): Promise<void> {
  if (client.lost) return;
  try {
    await client.finish(unlockSql(schema));
  } catch {
    client.markDirty();
  }
}

/** What the abort itself brings about, as opposed to a failure that came just before it. */
function isFromAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || sqlStateOf(error) === '57014' || isConnectionLost(error);
}
