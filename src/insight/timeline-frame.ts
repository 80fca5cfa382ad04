import type { ChainLink } from '../core/report.ts';
import { steps, type Phase, type PhaseOutcome } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import { criticalChain } from './critical-chain.ts';
import type { Span } from './file-runs.ts';
import type { StepRecord } from './plugin-record.ts';
import type { Story } from './story.ts';
import { joinStretches, layAxis, layOpenAxis, type Axis, type Stretch } from './timeline-axis.ts';

/** A stretch of time with its place on the axis, from 0 to 1. */
export interface Placed {
  readonly startMs: number;
  readonly endMs: number;
  readonly from: number;
  readonly to: number;
}

/** A phase on the axis. */
export interface PhaseBar extends Placed {
  readonly phase: Phase;
  readonly outcome: PhaseOutcome | 'running';
}

/** Lays the axis of a boot. It has room to grow when the boot goes on and more of it may come. */
export function layBootAxis(story: Story, isLive = false): Axis {
  const { record } = story;
  const isOver = record.stopping ? record.stoppedAtMs !== undefined : record.finished !== undefined;
  const lay = isLive && !isOver ? layOpenAxis : layAxis;
  return lay(findShownEnd(story), listBusy(record));
}

/** The end of the launch, or of the last removal of its plugins; or of the way down, when it has begun. */
export function findShownEnd({ record, nowMs, endMs }: Story): number {
  if (record.stopping) return record.stoppedAtMs ?? nowMs;
  const ends = record.plugins.map(({ removedAtMs, steps: { stop } }) =>
    removedAtMs === undefined ? 0 : (stop.finishedAtMs ?? nowMs),
  );
  return Math.max(endMs, ...ends);
}

/** Places the phases. */
export function placePhases(story: Story, axis: Axis): readonly PhaseBar[] {
  const shownMs = findShownEnd(story);
  return story.record.phases.map(({ phase, outcome, startMs, endMs = shownMs }) =>
    place(axis, { phase, outcome, startMs, endMs }),
  );
}

/** Places what decided the time of the boot. */
export function placeChain(story: Story, axis: Axis): readonly (Placed & ChainLink)[] {
  return criticalChain(story).map((link) => place(axis, link));
}

export function place<T extends Pick<Placed, 'startMs' | 'endMs'>>(
  axis: Pick<Axis, 'place'>,
  bar: T,
): T & Placed {
  return { ...bar, from: axis.place(bar.startMs), to: axis.place(bar.endMs) };
}

/** Lists the stretches in which something began or ended every now and then. Each is a point, or longer. */
function listBusy({ phases, pauses, survey, stopping, plugins }: BootRecord): readonly Stretch[] {
  const moments = listMoments([...phases, ...pauses]);
  if (survey) moments.push(survey.atMs);
  if (stopping) moments.push(stopping.atMs);
  const busy: Stretch[] = moments.map((ms) => ({ startMs: ms, endMs: ms }));
  for (const plugin of plugins) {
    for (const step of steps) busy.push(...listBusyIn(plugin.steps[step]));
  }
  return busy;
}

/** Those of steps that have ended. A boot that runs is laid out again with every event. */
const settled = new WeakMap<StepRecord, readonly Stretch[]>();

function listBusyIn(step: StepRecord): readonly Stretch[] {
  const known = settled.get(step);
  if (known) return known;
  const { spawnedAtMs, finishedAtMs, pauses, files } = step;
  const statements = files.flatMap((file) => file.statements);
  const moments = listMoments([...pauses, ...files, ...statements]);
  if (spawnedAtMs !== undefined) moments.push(spawnedAtMs);
  if (finishedAtMs !== undefined) moments.push(finishedAtMs);
  const busy = joinStretches(moments.map((ms) => ({ startMs: ms, endMs: ms })));
  if (finishedAtMs !== undefined) settled.set(step, busy);
  return busy;
}

function listMoments(spans: readonly Span[]): number[] {
  return spans.flatMap(({ startMs, endMs }) =>
    endMs === undefined ? [startMs] : [startMs, endMs],
  );
}
