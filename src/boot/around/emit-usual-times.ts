import { sleep } from '../../core/patience.ts';
import { withPatience } from '../../postgres/connection/connect-with-patience.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import { readUsualTimes } from '../../postgres/usual-times.ts';
import type { Around } from './around.ts';

/** Most boots are up before that, and pay nothing. In ms. */
const afterMs = 1_000;
/** How long to wait for a connection, in ms: the plugins need the pool. */
const waitMs = 5_000;

/**
 * Reads from the history how long the plugins usually take to start, when they take longer than a moment now. A history that
 * cannot be read is no warning here: writing it is one.
 *
 * @param signal Aborted when the plugins have started, or when the boot is over.
 */
export async function emitUsualTimes(
  { settings, migrationPool, clock, cut, emit }: Around,
  signal: AbortSignal,
): Promise<void> {
  try {
    await sleep(clock, afterMs, signal);
    const pool = withPatience(migrationPool, { waitMs, clock, signal });
    const pin = { signal, clock, cut, mayRepeat: () => true };
    const app = settings.hostApp?.name ?? null;
    const read = await withPinnedClient(pool, pin, (client) => readUsualTimes(client, app));
    if (read.boots > 0 && !signal.aborted) emit({ type: 'history.read', ...read });
  } catch {
    // The boot goes on without it.
  }
}
