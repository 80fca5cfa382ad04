import { asBootError, BootError } from '../../core/errors.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { withPinnedClient, type PinnedClient } from '../connection/pinned-client.ts';
import { beginSql, sendSettings } from '../connection/session-settings.ts';
import { FileMeter } from './file-meter.ts';
import { readRelations } from './known-relations.ts';
import { limitsSql } from './rehearsal-limits.ts';
import { rehearsePlugin, type RehearsalOptions, type RehearsalUnit } from './rehearse-plugin.ts';
import { isBroken, notReached, type RehearsedPlugin } from './rehearsed-plugin.ts';

/**
 * Rehearses plugins in one transaction, and rolls it back: a file of one may name a table that a pending file of another makes.
 * Each file has a savepoint, so that a failure takes no other file with it. All settings and locks are those of the transaction,
 * so that it is the same behind a pooler.
 *
 * @throws BootError `DATABASE_UNREACHABLE`, `MIGRATION_CONNECTION_LOST`; the reason of the signal when that is aborted
 */
export async function rehearseTogether(
  units: readonly RehearsalUnit[],
  options: RehearsalOptions,
): Promise<readonly RehearsedPlugin[]> {
  const { clock, signal, withinMs, pool } = options;
  const late = new AbortController();
  const done: RehearsedPlugin[] = [];
  let hasBegun = false;
  const pin = {
    clock,
    signal: AbortSignal.any([signal, late.signal]),
    mayRepeat: () => !hasBegun,
  };
  try {
    await withPinnedClient(pool, pin, async (client) => {
      client.markDirty();
      await begin(client, options);
      const meter = new FileMeter(await readRelations(client));
      hasBegun = true;
      // From here on locks are held.
      const stopTimer = clock.after(withinMs, () => late.abort(new Error('the time is up')));
      try {
        const context = { ...options, client, meter, late: late.signal };
        for (const unit of units) {
          done.push(findBroken(unit, done) ?? (await rehearsePlugin(unit, done, context)));
        }
      } finally {
        stopTimer();
        await client.rollBack();
      }
    });
    return done;
  } catch (error) {
    signal.throwIfAborted();
    throw asBootError(error) ?? connectionLost(error);
  }
}

async function begin(
  client: PinnedClient,
  { settings, withinMs }: RehearsalOptions,
): Promise<void> {
  const limits = limitsSql(settings, withinMs);
  await sendSettings('rehearsal', 'pg_catalog', settings, 'transaction', async (set) => {
    try {
      return await client.query(`${beginSql}; select ${set}; ${limits}`);
    } catch (error) {
      await client.rollBack();
      throw error;
    }
  });
}

/** A plugin whose files may name what an earlier plugin has not made is not begun. */
export function findBroken(
  { plugin, pending, needs }: RehearsalUnit,
  done: readonly RehearsedPlugin[],
): RehearsedPlugin | undefined {
  const broken = done.find((each) => needs.has(each.id) && isBroken(each.outcome));
  if (!broken) return undefined;
  const because = `${broken.id} comes first, and was not rehearsed to its end`;
  return { id: plugin.id, outcome: 'notReached', because, files: notReached(pending) };
}

function connectionLost(cause: unknown): BootError {
  const message = `The connection broke while migrations were rehearsed: ${readMessage(cause)}`;
  const hint = 'PostgreSQL rolls back what is not committed: nothing of it stays. Try again.';
  return new BootError('MIGRATION_CONNECTION_LOST', message, { phase: 'migrateAll', hint, cause });
}
