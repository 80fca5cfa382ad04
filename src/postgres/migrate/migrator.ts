import { hostname as systemHostname } from 'node:os';
import { BootError, problemError } from '../../core/errors.ts';
import type { LockHolder, Tell } from '../../core/events.ts';
import { isConnectionLost, isWorthWaiting, sqlStateOf } from '../connection/connection-error.ts';
import type { PoolLike } from '../connection/connection.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import { wantedExtensions, type ExtensionSetting } from '../survey/extension-schemas.ts';
import { lookIntoFailure } from './failure-lookup.ts';
import { KnownExtensions } from '../survey/known-extensions.ts';
import { connectionLost, migrationFailed } from './migration-error.ts';
import type { MigrationProgress } from './migration-error.ts';
import type { Migration } from '../sources/migration.ts';
import { retryPassingFailures } from './migration-retry.ts';
import { planMigrations } from '../history/migration-plan.ts';
import { prepareWork } from './prepare-work.ts';
import { runInTransaction } from './migration-transaction.ts';
import {
  SessionTurns,
  TransactionTurns,
  type Turn,
  type TurnAttempt,
  type Turns,
} from './migration-turns.ts';
import type { MigrationWork } from './migration-work.ts';
import { runOutsideTransaction } from './run-outside-transaction.ts';
import { withPinnedClient } from '../connection/pinned-client.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import { findPooledFileProblem } from '../survey/pooled-files.ts';
import { findRenamed } from '../survey/rename-marker.ts';
import { renamedAway } from '../survey/rename-problems.ts';
import { renamePreviousSchema } from './schema-rename.ts';
import { searchPath as toSearchPath } from '../sql/search-path.ts';
import type { StrayPolicy } from '../survey/stray-objects.ts';
import { schemasOf, type MigrationTarget } from '../survey/survey.ts';

export interface MigrateOptions {
  /** Aborted: the running statement is cancelled and its file rolled back. */
  readonly signal: AbortSignal;
  /** Aborted: the current file is finished, and no further one is begun. */
  readonly windDown: AbortSignal;
  /** Aborted: the connection is destroyed, whatever runs. */
  readonly cut?: AbortSignal | undefined;
  readonly tell: Tell;
  /** Whether the session is ours alone; behind a pooler that hands out transactions it is not. True unless told. */
  readonly keepsSession?: boolean | undefined;
  /** Schemas behind the plugin's own in the search_path. */
  readonly extensionSchemas: ExtensionSetting;
  /** Called with those that were found, before the first file and after those that may change them. */
  readonly onExtensionSchemas?: ((schemas: readonly string[]) => void) | undefined;
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

/**
 * `applied` names the files that were committed. `locked` may come between two files where the lock is one of each
 * transaction.
 */
export type MigrateResult =
  | { readonly status: 'done'; readonly applied: readonly string[] }
  | { readonly status: 'locked'; readonly holder: LockHolder }
  | { readonly status: 'canceled'; readonly applied: readonly string[] };

/**
 * Applies a plugin's pending migrations on one pinned client, under the lock of its schema; what is pending is read again
 * once the lock is held. Does not wait for the lock: `locked` tells who holds it, and the client is already back.
 *
 * @throws BootError `MIGRATION_FAILED`, `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS`, `MIGRATION_CONNECTION_LOST`,
 * `POOLER_UNSUPPORTED`, `MIGRATION_RENAME_CONFLICT`, `MIGRATION_RENAMED`, `EXTENSION_SCHEMA_MISSING`
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
    work: undefined,
    statement: undefined,
    isCommitting: false,
    isInstall: false,
  };
  try {
    return await withPinnedClient(pool, { signal, cut, onStatement }, (client) =>
      migrateOn(client, target, options, progress),
    );
  } catch (error) {
    if (signal.aborted && isFromAbort(error, signal)) {
      return { status: 'canceled', applied: progress.applied };
    }
    if (error instanceof BootError) throw error;
    // Before the first file the connection may not even have been made.
    const isLost = progress.work ? isConnectionLost : isWorthWaiting;
    if (!isLost(error)) throw migrationFailed(progress, error);
    throw connectionLost(progress, error);
  }
}

async function migrateOn(
  client: PinnedClient,
  target: MigrationTarget,
  options: MigrateOptions,
  progress: MigrationProgress,
): Promise<MigrateResult> {
  const renaming = await renamePreviousSchema(client, target, {
    applicationName: applicationNameFor(target, options),
    lockTimeoutMs: options.ddlLockTimeoutMs ?? 1_000,
    tell: options.tell,
    now: options.now ?? (() => performance.now()),
  });
  if (renaming.status === 'locked') return renaming;
  const extensions = new KnownExtensions(
    { setting: options.extensionSchemas, wanted: wantedExtensions(target.files) },
    options.onExtensionSchemas,
  );
  const turns = openTurns(client, target, extensions, options);
  try {
    return await applyPending(client, turns, target, extensions, options, progress);
  } catch (error) {
    progress.advice = await lookIntoFailure(client, target.schema, progress, error);
    throw error;
  } finally {
    await turns.end();
  }
}

function openTurns(
  client: PinnedClient,
  target: MigrationTarget,
  extensions: KnownExtensions,
  options: MigrateOptions,
): Turns {
  const [schema, historySchema] = schemasOf(target);
  const settings = {
    applicationName: applicationNameFor(target, options),
    searchPath: toSearchPath(schema, extensions.schemasOnPath),
    statementTimeoutMs: options.statementTimeoutMs ?? 0,
  };
  const place = { schema, historySchema, settings, extensions };
  return (options.keepsSession ?? true)
    ? new SessionTurns(client, place)
    : new TransactionTurns(client, place);
}

function applicationNameFor({ id }: MigrationTarget, { hostname }: MigrateOptions): string {
  return `slipway/${id}@${hostname ?? systemHostname()}`;
}

async function applyPending(
  client: PinnedClient,
  turns: Turns,
  target: MigrationTarget,
  extensions: KnownExtensions,
  options: MigrateOptions,
  progress: MigrationProgress,
): Promise<MigrateResult> {
  const { signal, windDown, tell, now = () => performance.now() } = options;
  const { id: plugin, schema, files } = target;
  const first = await takeTurn(turns, target);
  if (!first.acquired) return { status: 'locked', holder: first.holder };
  tell({ type: 'plugin.migrate.started', plugin });

  const retry = {
    lockTimeoutMs: options.ddlLockTimeoutMs ?? 1_000,
    retryMs: options.ddlRetryMs ?? 300_000,
    signal,
    windDown,
    tell,
    now,
  };
  progress.isInstall = first.history.rows.length === 0;
  const { pending } = planMigrations(files, first.history.rows, schema);
  for (const file of pending) {
    if (signal.aborted || windDown.aborted) {
      return { status: 'canceled', applied: progress.applied };
    }
    const startedAt = now();
    const { rewritePublic, keepsSession = true, cut } = options;
    const life = { schema, keepsSession, signal, cut };
    const work = prepareWork(file, { ...life, rewritePublic, extensions: extensions.facts });
    // In an upgrade there is data at stake that others write meanwhile; its files are few.
    const isFollowed = progress.isInstall && file !== pending.at(-1);
    // The survey says so before the first DDL; this is for a file that became pending since.
    const unfit = keepsSession ? undefined : findPooledFileProblem(plugin, file);
    const outcome = await retryPassingFailures(client, work, progress, retry, async () => {
      const turn = await takeTurn(turns, target);
      if (!turn.acquired) return { status: 'locked', holder: turn.holder } as const;
      const ours = first.history.rows.length + progress.applied.length;
      // Between two turns another replica may have been here.
      if (turn.history.rows.length > ours && !isPending(file, target, turn)) {
        return { status: 'skipped' } as const;
      }
      if (unfit) throw problemError(unfit, 'migrateAll');
      refuseMissingExtensionSchema(target, file, extensions, options.strayObjects);
      const context = { ...turn, isFollowed, extensions };
      await runWork(client, work, context, target, options, progress);
      return { status: 'applied' } as const;
    });
    if (outcome.status === 'canceled') return { ...outcome, applied: progress.applied };
    if (outcome.status === 'locked') return outcome;
    if (outcome.status === 'skipped') continue;
    tell({
      type: 'plugin.migrate.applied',
      plugin,
      file: file.name,
      durationMs: now() - startedAt,
    });
  }
  return { status: 'done', applied: progress.applied };
}

/**
 * Whoever waited for the lock of a schema that was renamed meanwhile would make an empty one in its place.
 *
 * @throws BootError `MIGRATION_RENAMED`
 */
async function takeTurn(turns: Turns, { id, schema }: MigrationTarget): Promise<TurnAttempt> {
  const turn = await turns.take();
  const isThere = !turn.acquired || turn.history.shape !== undefined;
  const now = isThere ? undefined : findRenamed(schema, turn.history.renamed);
  if (now) throw problemError(renamedAway(id, schema, now), 'migrateAll');
  return turn;
}

/** A turn at one file. */
interface FileTurn extends Turn {
  /** Whether a later file of the same run makes it durable. */
  readonly isFollowed: boolean;
  readonly extensions: KnownExtensions;
}

function isPending(
  file: Migration,
  { files, schema }: MigrationTarget,
  { history }: Turn,
): boolean {
  return planMigrations(files, history.rows, schema).pending.includes(file);
}

async function runWork(
  client: PinnedClient,
  work: MigrationWork,
  { backendPid, opening, history, isFollowed, extensions }: FileTurn,
  target: MigrationTarget,
  options: MigrateOptions,
  progress: MigrationProgress,
): Promise<void> {
  const [schema, historySchema] = schemasOf(target);
  const context = {
    schema,
    historySchema,
    historyShape: history.shape ?? target.files[0]?.format ?? '0.x',
    searchPath: toSearchPath(schema, extensions.schemasOnPath),
    extensions,
    lockTimeoutMs: options.ddlLockTimeoutMs ?? 1_000,
    strayObjects: options.strayObjects ?? 'error',
    backendPid,
    opening,
    isFollowed,
    progress,
    tell: options.tell,
    now: options.now ?? (() => performance.now()),
    signal: options.signal,
  };
  const isFirst = progress.applied.length === 0;
  const missing = {
    schemas: isFirst ? history.missingSchemas : [],
    history: isFirst && !history.shape,
  };
  const run = work.inTransaction ? runInTransaction : runOutsideTransaction;
  return run(client, work, missing, context);
}

/** What the abort itself brings about, as opposed to a failure that came just before it. */
function isFromAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || sqlStateOf(error) === '57014' || isConnectionLost(error);
}
