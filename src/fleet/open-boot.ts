import type { Boot } from '../boot/boot.ts';
import { createBoot } from '../boot/create-boot.ts';
import { BootError } from '../core/errors.ts';
import { record } from '../core/expect.ts';
import { untilAborted } from '../core/patience.ts';
import { isPool, type DatabaseSource } from '../postgres/connection/connection.ts';
import type { FleetSettings } from './fleet-options.ts';
import type { CheckedTarget } from './targets.ts';

/**
 * Makes the boot of one database, with a pool of its own that the boot ends.
 *
 * @throws BootError `OPTIONS_INVALID`, and what the function `boot` throws
 */
export async function openBoot(
  { source, given }: CheckedTarget,
  { boot, connections, signal }: Pick<FleetSettings, 'boot' | 'connections' | 'signal'>,
): Promise<Boot> {
  const options = record(await untilAborted(boot(given), signal), 'what boot() returns');
  const own = ['pool', 'migrationPool'].find((name) => options[name] !== undefined);
  if (own !== undefined) {
    const message = `Expected what boot() returns to have no ${own}, because each database has its own`;
    throw new BootError('OPTIONS_INVALID', message, { hint: 'Leave it out.' });
  }
  return createBoot({ ...options, pool: bound(source, connections) });
}

/** A pool of the caller, and a config with `max`, keep their own size. */
function bound(source: DatabaseSource, max: number): DatabaseSource {
  if (typeof source === 'string') return { connectionString: source, max };
  return isPool(source) ? source : { max, ...source };
}
