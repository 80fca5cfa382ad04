import type { LockBlocker } from '../../core/waits.ts';
import { readSqlState } from '../connection/connection-error.ts';
import { findBlockers } from '../locks/advisory-lock.ts';
import type { Migration } from '../sources/migration.ts';
import type { Migrating } from './migrating.ts';
import { readMessage, readText } from '../../core/foreign-value.ts';
import { growPause, sleep } from '../../core/patience.ts';

const pauses = { firstMs: 100, longestMs: 30_000 };

/**
 * While a migration waits for a lock, all later sessions queue up behind it. A pause of four times that leaves them the
 * table for four fifths of the time.
 */
const pausePerWait = 4;

/**
 * Runs a file, and again when it failed for a reason that passes: a lock of another session, a deadlock, or a change of the
 * same row of a catalog by another session. The pauses grow up to 30 s, with jitter, so that replicas do not retry at once. A
 * command that PostgreSQL refuses in a transaction is run again at once, without one.
 *
 * @returns what the attempt does; `canceled` when a pause was cut short by an abort.
 * @throws what the last attempt threw.
 */
export async function retryPassingFailures<Outcome>(
  run: Migrating,
  file: Migration,
  attemptFile: () => Promise<Outcome>,
): Promise<Outcome | { readonly status: 'canceled' }> {
  const { client, plugin, settings, clock, signal, windDown, emit, progress } = run;
  const stopping = AbortSignal.any([signal, windDown]);
  let failedFirstAt: number | undefined;
  let failedAt = progress.goesOnAt;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptFile();
    } catch (error) {
      // A function may throw nothing at all.
      const isRefusal = error !== undefined && error === progress.refusal;
      const reason = isRefusal ? 'refusal' : passingReason(error);
      if (!reason || client.lost || signal.aborted) throw error;
      // Each command of a file without a transaction has attempts of its own.
      if (progress.goesOnAt !== failedAt) {
        failedAt = progress.goesOnAt;
        failedFirstAt = undefined;
        attempt = 1;
      }
      failedFirstAt ??= clock.elapsed();
      const pauseMs = pauseBefore(attempt, reason, settings);
      const blockers = reason === 'lock' ? await lookForBlockers(run, error) : [];
      if (clock.elapsed() - failedFirstAt + pauseMs > settings.ddlRetry) throw error;
      emit({
        type: 'plugin.migrate.retrying',
        plugin: plugin.id,
        file: file.name,
        attempt,
        nextInMs: Math.round(pauseMs),
        error: error as Error,
        ...(blockers.length > 0 && { blockers }),
      });
      await sleep(clock, pauseMs, stopping).catch(() => undefined);
      if (stopping.aborted) return { status: 'canceled' };
    }
  }
}

/** Returns why the same file may succeed a little later: another session has the lock, or was faster. */
export function passingReason(error: unknown): 'lock' | 'race' | undefined {
  switch (readSqlState(error)) {
    case '55P03':
    case '40P01':
      return 'lock';
    case '40001':
      return 'race';
    case 'XX000':
      return /^tuple concurrently (?:updated|deleted)/.test(readMessage(error))
        ? 'race'
        : undefined;
    case '23505':
      return readText(error, 'schema') === 'pg_catalog' ? 'race' : undefined;
    default:
      return undefined;
  }
}

/** No session queues up behind a race: it begins with a short pause. */
function pauseBefore(
  attempt: number,
  reason: 'lock' | 'race' | 'refusal',
  { ddlLockTimeout }: Migrating['settings'],
): number {
  if (reason === 'refusal') return 0;
  const firstMs = Math.max(pauses.firstMs, reason === 'lock' ? pausePerWait * ddlLockTimeout : 0);
  const longestMs = Math.max(pauses.longestMs, firstMs);
  return growPause(attempt, { firstMs, longestMs }) * (1 + Math.random() / 4);
}

async function lookForBlockers(
  { client, progress }: Migrating,
  error: unknown,
): Promise<readonly LockBlocker[]> {
  try {
    progress.blockers = await findBlockers(client, progress.statement?.query.text ?? '', error);
  } catch {
    // Only a help for people; what is wrong with the connection shows at the next attempt.
    progress.blockers = [];
  }
  return progress.blockers;
}
