import { formatDuration } from '../core/duration.ts';
import type { Step } from '../core/steps.ts';
import type { UsualTimes } from '../core/usual-times.ts';
import type { StepRecord } from './plugin-record.ts';
import type { StepTimes } from './step-times.ts';

/** A step that is so much later than usual, and takes twice as long, may take any time. In ms. */
const lateMs = 1_000;

/** Returns how long a step of a plugin takes as a rule, in ms; `undefined` without a history of it. */
export function findUsual(
  { record: { usual } }: StepTimes,
  plugin: string,
  step: Step,
): number | undefined {
  return step === 'init' || step === 'ready' ? usual?.[plugin]?.[step] : undefined;
}

/** `, usually 3.10s`; empty without a history of the step. */
export function describeUsual(times: StepTimes, plugin: string, step: Step): string {
  const usualMs = findUsual(times, plugin, step);
  return usualMs === undefined ? '' : `, usually ${formatDuration(usualMs)}`;
}

/**
 * Estimates how long it takes from now until the boot is ready, in ms, from the usual times of its plugins: none starts before those
 * that it needs, and no more at once than there are slots. It is not known without a history, before the plugins start, with a
 * new plugin, and while one takes much longer than usual.
 */
export function estimateRest(times: StepTimes): number | undefined {
  const { usual, finished, stopping } = times.record;
  if (!usual || finished || stopping) return undefined;
  const init = estimateStep(times, 'init');
  const ready = estimateStep(times, 'ready');
  return init === undefined || ready === undefined ? undefined : init + ready;
}

/** The longer one of two limits: the longest way through the graph, and all work shared by the slots. */
function estimateStep(times: StepTimes, step: keyof UsualTimes): number | undefined {
  const { plugins, start } = times.record;
  const ends = new Map<string, number>();
  let allMs = 0;
  let longestMs = 0;
  for (const { id, enabled, steps } of plugins) {
    if (!enabled) continue;
    const leftMs = estimateLeft(steps[step], findUsual(times, id, step), times.nowMs);
    if (leftMs === undefined) return undefined;
    let endMs = 0;
    for (const other of times.listBefore(id, step)) endMs = Math.max(endMs, ends.get(other) ?? 0);
    endMs += leftMs;
    ends.set(id, endMs);
    allMs += leftMs;
    longestMs = Math.max(longestMs, endMs);
  }
  return Math.max(longestMs, allMs / (start?.slots.init ?? 1));
}

function estimateLeft(
  { finishedAtMs, spawnedAtMs }: StepRecord,
  usualMs: number | undefined,
  nowMs: number,
): number | undefined {
  if (finishedAtMs !== undefined) return 0;
  if (usualMs === undefined) return undefined;
  const forMs = spawnedAtMs === undefined ? 0 : nowMs - spawnedAtMs;
  const isLate = forMs > 2 * usualMs && forMs > usualMs + lateMs;
  return isLate ? undefined : Math.max(0, usualMs - forMs);
}
