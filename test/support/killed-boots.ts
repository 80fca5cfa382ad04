import { startBootProcess, type OrderedPlugin } from './boot-process.ts';
import { startTurnstile, type StopPlace, type Turnstile } from './turnstile.ts';

/** Every place at which the connection of a boot can be stopped: before and after each request of it, or only before in a batch. */
export function listPlaces({
  requests,
  inBatch,
}: Pick<Turnstile, 'requests' | 'inBatch'>): readonly StopPlace[] {
  return requests.flatMap((_, index) => {
    const request = index + 1;
    const before = { request, when: 'before' } as const;
    return inBatch.has(request) ? [before] : [before, { request, when: 'after' } as const];
  });
}

/** A plugin, and the place at which its boot stands when its process is killed. */
interface KilledBoot {
  readonly place: StopPlace;
  readonly plugin: OrderedPlugin;
}

/**
 * Boots each plugin by itself, all from one process, until each of them stands at its place. Then kills the process.
 *
 * @returns Where each of them stood, for messages: `before 3: BEGIN`.
 */
export async function killBoots(
  url: string,
  boots: readonly KilledBoot[],
): Promise<readonly string[]> {
  const victim = await startBootProcess();
  const lost: Promise<unknown>[] = [];
  const turnstiles: Turnstile[] = [];
  const stood: string[] = [];
  for (const { place, plugin } of boots) {
    const turnstile = await startTurnstile(url);
    turnstiles.push(turnstile);
    const standing = turnstile.stopAt(place);
    const order = victim.carryOut({ url: turnstile.url, plugins: [plugin] });
    lost.push(order.catch(() => undefined));
    const { request } = await standing;
    stood.push(`${place.when} ${place.request}: ${request}`);
  }
  await victim.kill();
  await Promise.all([...lost, ...turnstiles.map((turnstile) => turnstile.close())]);
  return stood;
}
