import type { BootEvent, UnstampedEvent } from '../../src/core/events.ts';

/** News with a stamp on them, as a listener hears them. */
export function stamped(news: UnstampedEvent): BootEvent {
  return { ...news, bootId: 'b', seq: 1, at: 0, elapsedMs: 0 };
}
