import { asBootError, type BootError } from '../../core/errors.ts';
import { isConnectionLost, isWorthWaiting, sqlStateOf } from '../connection/connection-error.ts';
import type { PatientPool } from '../connection/connect-with-patience.ts';
import type { PoolLike } from '../connection/connection.ts';
import { withPinnedClient, type PinnedClient } from '../connection/pinned-client.ts';
import { schemasOf, type MigrationTarget } from '../sources/migration-target.ts';
import { searchPath as toSearchPath } from '../sql/identifier.ts';
import { wantedExtensions } from '../survey/extension-schemas.ts';
import { KnownExtensions } from '../survey/known-extensions.ts';
import { applyPending, type MigrateResult } from './apply-pending.ts';
import { lookIntoFailure } from './failure-lookup.ts';
import {
  applicationNameOf,
  completeOptions,
  type MigrateOptions,
  type MigrateSettings,
} from './migrate-options.ts';
import { connectionLost, migrationFailed } from './migration-error.ts';
import { noProgress, type MigrationProgress } from './migration-progress.ts';
import { SessionTurns, TransactionTurns, type Turns } from './migration-turns.ts';
import { renamePreviousSchema } from './schema-rename.ts';

/**
 * Applies a plugin's pending migrations on one pinned client, under the lock of its schema; what is pending is read again
 * once the lock is held. Does not wait for the lock: `locked` tells who holds it, and the client is already back. A patient
 * pool gives another connection for one that breaks before the first file has begun.
 *
 * @throws BootError `MIGRATION_FAILED`, `MIGRATION_WRONG_SCHEMA`, `MIGRATION_STRAY_OBJECTS`, `MIGRATION_CONNECTION_LOST`,
 * `POOLER_UNSUPPORTED`, `MIGRATION_RENAME_CONFLICT`, `MIGRATION_RENAMED`, `EXTENSION_SCHEMA_MISSING`
 * @example
 * const result = await migratePlugin(pool, { id: 'auth', schema: 'plugin_auth', files }, options);
 * if (result.status === 'locked') console.log('waiting for', result.holder.applicationName);
 */
export async function migratePlugin(
  pool: PoolLike | PatientPool,
  target: MigrationTarget,
  options: MigrateOptions,
): Promise<MigrateResult> {
  const { signal, windDown } = options;
  const progress = noProgress(target.id);
  const pin = { ...options, mayRepeat: () => progress.work === undefined };
  try {
    return await withPinnedClient(pool, pin, (client) =>
      migrateOn(client, target, completeOptions(options), progress),
    );
  } catch (error) {
    const isWindingDown = windDown.aborted && error === windDown.reason;
    if (isWindingDown || (signal.aborted && isFromAbort(error, signal))) {
      return { status: 'canceled', applied: progress.applied };
    }
    throw asBootError(error) ?? explain(error, progress);
  }
}

/** The schema gets its name, then the files have their turns, and the lock goes back whatever became of them. */
async function migrateOn(
  client: PinnedClient,
  target: MigrationTarget,
  settings: MigrateSettings,
  progress: MigrationProgress,
): Promise<MigrateResult> {
  const renaming = await renamePreviousSchema(client, target, settings);
  if (renaming.status === 'locked') return renaming;
  const extensions = new KnownExtensions(
    { setting: settings.extensionSchemas, wanted: wantedExtensions(target.files) },
    settings.onExtensionSchemas,
  );
  const turns = openTurns(client, target, settings, extensions);
  try {
    return await applyPending({ client, target, settings, turns, extensions, progress });
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
  migrateSettings: MigrateSettings,
  extensions: KnownExtensions,
): Turns {
  const [schema, historySchema] = schemasOf(target);
  const { statementTimeoutMs, keepsSession } = migrateSettings;
  const settings = {
    applicationName: applicationNameOf(target.id, migrateSettings),
    searchPath: toSearchPath(schema, extensions.schemasOnPath),
    statementTimeoutMs,
  };
  const place = { schema, historySchema, settings, extensions };
  return keepsSession ? new SessionTurns(client, place) : new TransactionTurns(client, place);
}

/** What the abort itself brings about, as opposed to a failure that came just before it. */
function isFromAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || sqlStateOf(error) === '57014' || isConnectionLost(error);
}

/** @param lost Why the connection broke, if it did. */
function explain(error: unknown, progress: MigrationProgress): BootError {
  // Before the first file the connection may not even have been made.
  const isLost = progress.work ? isConnectionLost : isWorthWaiting;
  return isLost(error) ? connectionLost(progress, error) : migrationFailed(progress, error);
}
