import type { BootEvent, BootNews } from '../../src/core/events.ts';

/** News with a stamp on them, as a listener hears them. */
export function stamped(news: BootNews): BootEvent {
  return { ...news, bootId: 'b', seq: 1, at: 0, elapsedMs: 0 };
}
