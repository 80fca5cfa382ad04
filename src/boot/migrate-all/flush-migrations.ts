import { roundMs } from '../../core/duration.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { deadlineAfter } from '../../core/patience.ts';
import { joinNames, shorten } from '../../core/printable.ts';
import { readTenant } from '../../core/tenants.ts';
import type { PhaseOutcome } from '../../core/steps.ts';
import { isConnectionLost, readSqlState } from '../../postgres/connection/connection-error.ts';
import type { Querying } from '../../postgres/connection/connection.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import { flushCommits } from '../../postgres/migrate/durability.ts';
import type { UnflushedHistory } from '../../postgres/migrate/migrating.ts';
import type { Around } from '../around/around.ts';
import { createPatientPool } from '../around/patient-pool.ts';

/**
 * Flushes to the disk what the migrations of these plugins, and of their tenants, have committed. Sends nothing when there are
 * none.
 *
 * @param outcome How the migrations have ended. A boot that has failed or was stopped has its reason already: then a flush that
 *   fails is a warning.
 * @throws BootError when the flush fails and nothing has failed before; the signal's reason.
 */
export async function flushMigrations(
  around: Around,
  plugins: ReadonlyMap<string, UnflushedHistory>,
  outcome: PhaseOutcome,
  signal: AbortSignal,
): Promise<void> {
  if (plugins.size === 0) return;
  const { clock, emit } = around;
  const startedAt = clock.elapsed();
  // Tenants are part of their plugin.
  const count = new Set([...plugins.keys()].map((id) => readTenant(id).plugin)).size;
  emit({ type: 'migrations.flushing', plugins: count });
  let failure: BootError;
  try {
    const flush = outcome === 'done' ? flushPatiently : flushBriefly;
    const { isDurable, lost } = await flush(around, signal, (client) =>
      flushCommits(client, plugins),
    );
    // After a cancel, PostgreSQL no longer waits for the standby, and answers all the same.
    signal.throwIfAborted();
    if (lost.length === 0) {
      const durationMs = roundMs(clock.elapsed() - startedAt);
      if (isDurable) emit({ type: 'migrations.durable', plugins: count, durationMs });
      return;
    }
    failure = takenBack(lost);
  } catch (error) {
    failure = notDurable([...plugins.keys()], error);
  }
  if (outcome === 'done' && !signal.aborted) throw failure;
  emit({ type: 'boot.warning', message: failure.message });
  signal.throwIfAborted();
}

type Flush = (client: Querying) => ReturnType<typeof flushCommits>;

/** Replaces a lost connection and asks again, which does no harm. Missing rows show that the server has crashed in between. */
function flushPatiently(
  around: Around,
  signal: AbortSignal,
  flush: Flush,
): ReturnType<typeof flushCommits> {
  const { clock, cut } = around;
  const pool = createPatientPool(around, { phase: 'migrateAll', signal });
  return withPinnedClient(pool, { signal, clock, cut, mayRepeat: () => true }, flush);
}

/**
 * Does not wait for a PostgreSQL that is away, which may be why the boot ends. The flush gets `stop.timeout`, like a stop
 * handler. A server that does not even answer the cancel gets `stop.total`.
 */
async function flushBriefly(
  around: Around,
  signal: AbortSignal,
  flush: Flush,
): ReturnType<typeof flushCommits> {
  const { settings, clock } = around;
  const deadline = deadlineAfter(clock, settings.stop.timeout, signal);
  const cutoff = deadlineAfter(clock, settings.stop.total, around.cut);
  const cut = cutoff.signal;
  try {
    const pool = createPatientPool(
      { ...around, settings: { ...settings, connect: { ...settings.connect, wait: 0 } } },
      { phase: 'migrateAll', signal: AbortSignal.any([deadline.signal, cut]) },
    );
    const flushed = await withPinnedClient(pool, { signal: deadline.signal, clock, cut }, flush);
    deadline.signal.throwIfAborted();
    return flushed;
  } finally {
    deadline.cancel();
    cutoff.cancel();
  }
}

function takenBack(plugins: readonly string[]): BootError {
  const names = joinNames(shorten(plugins, 3));
  return new BootError(
    'MIGRATION_CONNECTION_LOST',
    `PostgreSQL no longer has migrations of ${names} that were committed: it has crashed meanwhile, or another server has taken its place`,
    { phase: 'migrateAll', hint },
  );
}

function notDurable(plugins: readonly string[], cause: unknown): BootError {
  const known = asBootError(cause);
  const sqlState = readSqlState(cause);
  const names = joinNames(shorten(plugins, 3));
  return new BootError(
    known?.code ?? chooseCode(cause),
    `The migrations of ${names} are committed, and possibly not yet on the disk of PostgreSQL: ${readMessage(cause)}`,
    {
      phase: 'migrateAll',
      hint: `${hint}${known?.hint === undefined ? '' : ` ${known.hint}`}`,
      ...(sqlState !== undefined && { database: { sqlState } }),
      cause,
    },
  );
}

const hint =
  'Start again: the next boot looks at what is there. A file that a crash of PostgreSQL has taken back, with its row, runs again.';

function chooseCode(cause: unknown): ErrorCode {
  if (isConnectionLost(cause)) return 'MIGRATION_CONNECTION_LOST';
  return readSqlState(cause) === '42501' ? 'DATABASE_PRIVILEGE' : 'MIGRATION_FAILED';
}
