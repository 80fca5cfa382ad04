import type { RecordedEvent } from './recorded-event.ts';
import type { Blame } from './rules.ts';
import type { Story } from './story.ts';

/** Checks that no plugin stops while one that needs it is up, also when another launch has added that one. */
export function checkUsers(story: Story, blame: Blame): void {
  // Where nothing comes or goes, the order of the stops has been checked already.
  if (story.launches.length === 0 && story.record.removals.length === 0) return;
  const users = new Map<string, Set<string>>();
  const up = new Map<string, RecordedEvent>();
  for (const event of story.events) {
    switch (event.type) {
      case 'graph.sorted':
        // A plugin that comes back may need others than before.
        for (const id of event.order) for (const known of users.values()) known.delete(id);
        for (const { from, to, kind } of event.edges) {
          if (kind !== 'needs') continue;
          const known = users.get(from) ?? new Set();
          users.set(from, known.add(to));
        }
        break;
      case 'plugin.init.finished':
        if (event.outcome === 'done') up.set(event.plugin, event);
        break;
      case 'plugin.stop.started':
        for (const user of users.get(event.plugin) ?? []) {
          const message = `stop of ${event.plugin} begins while ${user}, which needs it, is up`;
          if (up.has(user)) blame('stop-order', message, up.get(user), event);
        }
        break;
      case 'plugin.stop.finished':
        up.delete(event.plugin);
        break;
      default:
    }
  }
}
