import type { Clock } from '../../core/clock.ts';
import { problemError } from '../../core/errors.ts';
import type { LockBlocker, LockHolder } from '../../core/waits.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import { findBlockers, tryLock } from '../locks/advisory-lock.ts';
import type { PatientPool } from '../connection/connect-with-patience.ts';
import type { PoolLike, Querying } from '../connection/connection.ts';
import { withPinnedClient, type PinnedClient } from '../connection/pinned-client.ts';
import { beginSql, lockTimeoutSql, nameSession } from '../connection/session-settings.ts';
import {
  transactionGuardSql,
  sessionColumns,
  type SessionFacts,
} from '../connection/session-guard.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';
import type { RepairDecision } from './repair-report.ts';
import { findLaterName, findPendingRename } from '../migrate/schema-rename.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { repairRefused, toRepairError } from './repair-error.ts';

interface RepairSettings {
  readonly dryRun: boolean;
  readonly settings: MigrationSettings;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

type RepairAttempt =
  | { readonly status: 'done'; readonly decision: RepairDecision }
  | { readonly status: 'locked'; readonly holder: LockHolder };

/** Makes the decision of a repair. It reads through this client, and changes nothing. */
export type Decide = (client: PinnedClient) => Promise<RepairDecision>;

/**
 * Decides on a repair and performs it, both in one transaction on one client, under the migration lock of the schema. The lock
 * belongs to the transaction: it excludes the session locks of boots, and ends with COMMIT. The repair does not wait for the
 * lock. A dry run decides under the same lock, and then rolls back.
 *
 * @throws BootError what {@link toRepairError} makes
 */
export async function repairInTransaction(
  pool: PoolLike | PatientPool,
  plugin: PluginMigrations,
  settings: RepairSettings,
  decide: Decide,
): Promise<RepairAttempt> {
  const progress: RepairProgress = { statement: undefined, blockers: [] };
  const pin = { ...settings, mayRepeat: () => progress.statement === undefined };
  try {
    return await withPinnedClient(pool, pin, async (client) => {
      try {
        return await attemptRepair(client, plugin, settings, decide, progress);
      } catch (error) {
        await lookBack(client, progress, error);
        throw error;
      }
    });
  } catch (error) {
    throw toRepairError(plugin.id, error, progress.blockers);
  }
}

/** The progress of a repair, for its error. */
interface RepairProgress {
  statement: string | undefined;
  blockers: readonly LockBlocker[];
}

async function attemptRepair(
  client: PinnedClient,
  plugin: PluginMigrations,
  settings: RepairSettings,
  decide: Decide,
  progress: RepairProgress,
): Promise<RepairAttempt> {
  const { id, schema } = plugin;
  await begin(client, id, settings.settings);
  const attempt = await tryLock(client, schema, { scope: 'transaction' });
  if (!attempt.acquired) {
    await client.finish('rollback');
    return { status: 'locked', holder: attempt.holder };
  }
  refuseRename(id, await findPendingRename(client, plugin));
  // It would make an empty schema, which conflicts with the renamed one.
  const renamed = await findLaterName(client, plugin);
  if (renamed) throw problemError(renamed, 'migrateAll');
  const session = await readSession(client);
  const decision = await decide(client);
  if (settings.dryRun) await client.finish('rollback');
  else await runStatements(client, decision.statements, session, progress);
  return { status: 'done', decision };
}

/** Rolls back by hand, because the server would hold the lock until it notices the end of the connection. */
async function lookBack(
  client: PinnedClient,
  progress: RepairProgress,
  error: unknown,
): Promise<void> {
  if (client.lost) return;
  const { statement } = progress;
  try {
    await client.finish('rollback');
    if (statement !== undefined) progress.blockers = await findBlockers(client, statement, error);
  } catch {
    // The rollback only releases the lock sooner; without it, the end of the connection does.
  }
}

/** Refuses a repair before the rename: it would make a second schema beside the one with the data. */
function refuseRename(id: string, from: string | undefined): void {
  if (from === undefined) return;
  throw repairRefused(
    id,
    `its schema is still called ${quoteIdentifier(from)}`,
    'Let migrate() of this release rename it first; nothing has been changed.',
  );
}

/** Begins with settings of the transaction only, so that the client is released unchanged. */
async function begin(
  client: Querying,
  id: string,
  settings: RepairSettings['settings'],
): Promise<void> {
  await client.query(
    [
      beginSql,
      `set local application_name = ${quoteLiteral(`${nameSession(id)} (repair)`)}`,
      lockTimeoutSql(settings),
      `set local statement_timeout = ${settings.statementTimeout}`,
      'set local idle_in_transaction_session_timeout = 0',
      // An object in public must not hide an object of the server with the same name.
      'set local search_path = pg_catalog',
    ].join('; '),
  );
}

async function readSession(client: Querying): Promise<Omit<SessionFacts, 'schema'>> {
  const { rows } = await client.query<SessionFacts>(`select ${sessionColumns}`);
  return { pid: rows[0]?.pid ?? 0, transaction: rows[0]?.transaction ?? '' };
}

/** Runs the statements. With each one the server checks that the transaction is still the same, in spite of pools and proxies. */
async function runStatements(
  client: PinnedClient,
  statements: readonly string[],
  { pid, transaction }: Omit<SessionFacts, 'schema'>,
  progress: RepairProgress,
): Promise<void> {
  const guard = transactionGuardSql({ pid, transaction });
  for (const statement of statements) {
    progress.statement = statement;
    await client.query(`${statement};${guard}`);
  }
  await client.finish(`${guard};commit`);
}
