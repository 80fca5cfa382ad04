import { formatDuration } from '../core/duration.ts';
import type { Step } from '../core/steps.ts';
import { criticalChain } from './critical-chain.ts';
import { isWorthALook, type Evidence, type Finding } from './finding.ts';
import { Replayer } from './replayer.ts';
import type { Story } from './story.ts';
import { waits } from './waits.ts';

/** Both numbers of slots, with the option that sets it and the steps that share them. */
const kinds = [
  { slots: 'migrate', option: 'migrations.concurrency', steps: ['migrate'] },
  { slots: 'init', option: 'init.concurrency', steps: ['init', 'ready'] },
] as const;

/** Steps that waited for slots, if a higher concurrency would have made the boot shorter. */
export function findFewSlots(story: Story): readonly Finding[] {
  return kinds.flatMap((kind) => findFew(story, kind));
}

function findFew(
  story: Story,
  { slots, option, steps }: (typeof kinds)[number],
): readonly Finding[] {
  const recorded = story.record.start?.slots[slots];
  const isInTheChain = criticalChain(story).some(
    ({ step, via }) => via === 'slot' && (steps as readonly string[]).includes(step),
  );
  if (recorded === undefined || !isInTheChain) return [];
  const best = findBest(story, slots, recorded);
  if (!best || !isWorthALook(story, best.savedMs)) return [];
  const waited = listWaiting(story, steps);
  const total = waited.reduce((sum, { ms = 0 }) => sum + ms, 0);
  const who = waited.length === 1 ? '1 step' : `${waited.length} steps`;
  return [
    {
      id: 'few-slots',
      title: `${who} waited for a slot, ${formatDuration(total)} in all: ${option} ${best.count} would save ${formatDuration(best.savedMs)}`,
      why: `Only ${recorded} may ${slots === 'migrate' ? 'migrate' : 'start'} at once, and the others had nothing else to wait for`,
      caveat:
        slots === 'migrate'
          ? 'Migrations share the disks of one server, so that more of them at once may take longer each'
          : 'Plugins share one thread, so that those that calculate take longer side by side',
      evidence: waited.slice(0, 10),
      savedMs: best.savedMs,
    },
  ];
}

/** Finds the lowest of some concurrencies that saves nearly as much as the highest one. */
function findBest(
  story: Story,
  slots: 'migrate' | 'init',
  recorded: number,
): { readonly count: number; readonly savedMs: number } | undefined {
  const { poolSize = 1 } = story.record.start ?? {};
  const plugins = story.record.plugins.length;
  const highest = slots === 'migrate' ? Math.min(plugins, poolSize) : plugins;
  const counts = [2, 4, 8].map((times) => times * recorded).filter((count) => count < highest);
  const replayer = new Replayer(story);
  const tried = [...counts, highest]
    .filter((count) => count > recorded)
    .map((count) => ({
      count,
      savedMs: replayer.measure({ ...replayer.slots, [slots]: count }),
    }));
  const most = Math.max(...tried.map(({ savedMs }) => savedMs));
  return tried.find(({ savedMs }) => savedMs >= 0.9 * most);
}

function listWaiting(story: Story, steps: readonly Step[]): readonly Evidence[] {
  return waits(story)
    .flatMap(({ plugin, ...ledgers }) =>
      steps.map((step) => ({ plugin, step, ms: ledgers[step].slotMs })),
    )
    .filter(({ ms }) => ms > 0)
    .toSorted((a, b) => b.ms - a.ms)
    .map((each) => ({
      ...each,
      fact: `${each.step} of ${each.plugin} waited ${formatDuration(each.ms)} for a slot`,
    }));
}
