import type { GraphNode, Preset } from '../core/schedule.ts';
import type { Outcome, Step } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import type { Pause, StepRecord } from './plugin-record.ts';
import type { Hold, RecordedRun, RecordedTask } from './replay.ts';
import type { Story } from './story.ts';

/** Reads the nodes of the graph from the record, as the machines had them. Disabled plugins are none. */
export function readNodes({ plugins, edges }: BootRecord): readonly GraphNode[] {
  const enabled = plugins.filter((plugin) => plugin.enabled);
  const position = new Map(enabled.map(({ id }, index) => [id, index]));
  const before = enabled.map(() => ({ needs: new Set<number>(), after: new Set<number>() }));
  for (const { from, to, kind } of edges) {
    const earlier = position.get(from);
    const later = before[position.get(to) ?? -1];
    if (earlier !== undefined) later?.[kind === 'needs' ? 'needs' : 'after'].add(earlier);
  }
  return enabled.map(({ id, required }, index) => {
    const { needs, after } = before[index] ?? { needs: new Set(), after: new Set() };
    return {
      id,
      required,
      needs: [...needs],
      after: [...after].filter((other) => !needs.has(other)),
    };
  });
}

/** Reads how one step of all plugins was recorded, once for all questions about it. */
export function createRunReader(
  story: Story,
): (step: Step, without?: ReadonlySet<string>) => RecordedRun {
  const nodes = readNodes(story.record);
  const ends = new Map<string, number>();
  const refusals = new Map<string, number>();
  for (const event of story.ownEvents) {
    if (event.type === 'plugin.migrate.waiting') {
      if (!refusals.has(event.plugin)) refusals.set(event.plugin, event.seq);
    } else if (event.type.endsWith('.finished') && 'plugin' in event) {
      ends.set(`${event.type} ${event.plugin}`, event.seq);
    }
  }
  return (step, without = new Set()) => {
    const presets = new Map<string, Preset>();
    const tasks = new Map<string, RecordedTask>();
    for (const plugin of story.record.plugins) {
      const { id, steps } = plugin;
      const isLeftOut = without.has(`${id}.${step}`);
      if (isLeftOut || steps[step].spawnedAtMs === undefined) {
        presets.set(id, { outcome: steps[step].outcome ?? (isLeftOut ? 'done' : 'notReached') });
        continue;
      }
      const order = ends.get(`plugin.${step}.finished ${id}`) ?? Number.POSITIVE_INFINITY;
      tasks.set(id, readTask(steps[step], story.endMs, order, refusals.get(id)));
    }
    return { nodes, presets, tasks };
  };
}

/** What is not over counts until now. */
function readTask(step: StepRecord, nowMs: number, order: number, refusal = order): RecordedTask {
  const { spawnedAtMs = nowMs, finishedAtMs, startedAtMs, pauses } = step;
  const endMs = finishedAtMs ?? nowMs;
  const outcome: Outcome = step.outcome ?? 'done';
  const holds: Hold[] = [];
  let startMs = spawnedAtMs;
  let goesOnMs = spawnedAtMs;
  for (const pause of pauses) {
    if (pause.kind !== 'lock') continue;
    holds.push({ startMs, goesOnMs, endMs: Math.max(startMs, pause.startMs), order: refusal });
    const lockedMs = findLock(pause, step);
    if (lockedMs === undefined) return { holds, endMs, order, outcome };
    goesOnMs = Math.max(startMs, lockedMs);
    // The attempt that found the lock free began with a client of the pool.
    const connectMs = goesOnMs === startedAtMs ? (step.connectMs ?? 0) : 0;
    startMs = Math.max(startMs, pause.startMs, goesOnMs - connectMs);
  }
  holds.push({ startMs, goesOnMs, endMs, order });
  return { holds, endMs, order, outcome };
}

/** When the plugin got its lock; a wait may also end with the step. */
function findLock({ endMs }: Pause, { startedAtMs, finishedAtMs }: StepRecord): number | undefined {
  const isLocked = startedAtMs !== undefined && (endMs === startedAtMs || endMs !== finishedAtMs);
  return isLocked ? endMs : undefined;
}
