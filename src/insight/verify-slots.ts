import { stepIn, type Step } from '../core/steps.ts';
import { nameTenant, getTenant } from '../core/tenants.ts';
import type { RecordedEvent } from './recorded-event.ts';
import type { Story } from './story.ts';
import type { Blame } from './rules.ts';

/** A stretch of events in which a step has a slot, or a session of PostgreSQL. */
interface Held {
  readonly plugin: string;
  readonly what: number;
  readonly begin: RecordedEvent;
  endSeq: number;
}

/** Checks that no two steps have the same slot at once, and no two migrations the same session. */
export function checkSlots(story: Story, blame: Blame): void {
  const slots = new Map<Step, Held[]>();
  const sessions: Held[] = [];
  const open = new Map<string, Held>();
  const openSessions = new Map<string, Held>();
  const isPooled = story.record.survey?.pooler === true;
  for (const event of story.ownEvents) {
    if (!('plugin' in event) || event.plugin === undefined) continue;
    const { type, plugin } = event;
    if ('slot' in event) {
      checkNumber(story, event, blame);
      // Behind a pooler a migration may give its slot back for every file, and not say which one it has next.
      if (isPooled && stepIn(event.type) === 'migrate') continue;
      const key = `${stepIn(event.type)} ${plugin}`;
      endHold(open, key, event.seq);
      const held = { plugin, what: event.slot, begin: event, endSeq: Number.POSITIVE_INFINITY };
      open.set(key, held);
      const list = slots.get(stepIn(event.type));
      if (list) list.push(held);
      else slots.set(stepIn(event.type), [held]);
    }
    const tenant = getTenant(event);
    if (type === 'plugin.migrate.settled') {
      endHold(openSessions, nameTenant(plugin, event.tenant), event.seq);
    } else if (type === 'plugin.migrate.started' && !isPooled) {
      // A plugin with tenants has as many sessions as migrate side by side.
      if (tenant === undefined && story.record.find(plugin)?.tenants) continue;
      const who = nameTenant(plugin, tenant);
      const { backendPid: what } = event;
      const held = { plugin: who, what, begin: event, endSeq: Number.POSITIVE_INFINITY };
      openSessions.set(who, held);
      sessions.push(held);
    } else if (type === 'plugin.migrate.waiting') {
      endHold(open, `migrate ${plugin}`, event.seq);
    } else if (type.endsWith('.finished')) {
      endHold(open, `${stepIn(type as `plugin.${Step}.finished`)} ${plugin}`, event.seq);
      if (type === 'plugin.migrate.finished') endHold(openSessions, plugin, event.seq);
    }
  }
  for (const [step, list] of slots) {
    for (const [first, second] of findOverlaps(list)) {
      blame(
        'slot',
        `${step} of ${first.plugin} and of ${second.plugin} both have slot ${first.what}`,
        first.begin,
        second.begin,
      );
    }
  }
  for (const [first, second] of findOverlaps(sessions)) {
    blame(
      'backend',
      `${first.plugin} and ${second.plugin} both migrate in session ${first.what}`,
      first.begin,
      second.begin,
    );
  }
}

function checkNumber(
  { record }: Story,
  event: RecordedEvent & { readonly slot: number },
  blame: Blame,
): void {
  const step = stepIn(event.type as `plugin.${Step}.started`);
  const { migrate, init } = record.start?.slots ?? {};
  const most = { migrate, init, ready: init, stop: undefined }[step] ?? Number.POSITIVE_INFINITY;
  if (Number.isInteger(event.slot) && event.slot >= 1 && event.slot <= most) return;
  blame('slot', `${event.type} has slot ${event.slot} of ${most}`, event);
}

function endHold(open: Map<string, Held>, key: string, seq: number): void {
  const held = open.get(key);
  if (held) held.endSeq = Math.min(held.endSeq, Math.max(seq, held.begin.seq));
  open.delete(key);
}

/** Finds two holds of the same thing that overlap, for each hold at most one. */
function findOverlaps(holds: readonly Held[]): readonly (readonly [Held, Held])[] {
  const last = new Map<number, Held>();
  return holds
    .toSorted((a, b) => a.begin.seq - b.begin.seq)
    .flatMap((held) => {
      const before = last.get(held.what);
      if (!before || held.endSeq > before.endSeq) last.set(held.what, held);
      return before && before.endSeq > held.begin.seq ? [[before, held] as const] : [];
    });
}
