import { findFewSlots } from './few-slots.ts';
import type { Finding } from './finding.ts';
import { findLostPlugins } from './lost-plugins.ts';
import { findLongStatement, findOnePlugin, findSlowImports } from './long-parts.ts';
import { findHeldLocks } from './held-locks.ts';
import type { Story } from './story.ts';
import { findWaits } from './long-waits.ts';

/**
 * Finds what is worth a look in a boot: waits and work that took much of its time, and what is missing. Each finding says
 * why, and when not to act on it.
 *
 * @returns The findings; none when there is nothing to say.
 * @example for (const { title, why, savedMs } of findings(story)) console.log(`${title}: ${why} (saves ${savedMs} ms)`);
 */
export function findings(story: Story): readonly Finding[] {
  return [
    ...findLostPlugins(story),
    ...findSlowImports(story),
    ...findOnePlugin(story),
    ...findLongStatement(story),
    ...findFewSlots(story),
    ...findHeldLocks(story),
    ...findWaits(story),
  ];
}
