import { formatDuration } from '../core/duration.ts';
import { describeUsual } from './estimate.ts';
import { findOpenStep } from './open-steps.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { StepTimes } from './step-times.ts';
import { nameTarget } from './wait-words.ts';
import { verbs } from './step-words.ts';
import { findLoss } from './why.ts';

/** The state of a plugin, for people. */
export interface Status {
  /** A shape for readers who do not see the colour. */
  readonly glyph: string;
  readonly tone: 'good' | 'bad' | 'wait' | 'run' | 'soft';
  /** `waits for its lock`, `failed to start`. */
  readonly words: string;
  /** `for 704ms`, `for 34.0s, usually 3.10s`, `after 2.90s`; empty when there is no time to name. */
  readonly time: string;
}

const going = { migrate: 'migrates', init: 'starts', ready: 'gets ready', stop: 'stops' } as const;

/** Describes the state of a plugin: a failure first, then what goes on, then what is done. */
export function describeStatus(times: StepTimes, plugin: PluginRecord): Status {
  if (!plugin.enabled) return notBegun('is disabled');
  const lost = findLoss(times, plugin);
  if (lost) return describeLoss(lost);
  const isGoingDown = times.record.stopping !== undefined || plugin.removedAtMs !== undefined;
  const isOver = times.record.finished !== undefined && !isGoingDown;
  const open = isOver ? undefined : findOpenStep(times, plugin);
  if (!open) return describeEnd(times, plugin);
  const { step, wait, hasBegun, sinceMs } = open;
  if (wait) {
    const words = `waits for ${nameTarget(wait.kind, step, wait.plugins)}`;
    return { glyph: '◷', tone: 'wait', words, time: `for ${formatDuration(wait.forMs)}` };
  }
  if (!hasBegun) return describeEnd(times, plugin);
  const time = `for ${formatDuration(times.nowMs - sinceMs)}${describeUsual(times, plugin.id, step)}`;
  return { glyph: '▶', tone: 'run', words: going[step], time };
}

/** Writes a state in one line. The time of what is over is left out. */
export function writeStatus({ tone, words, time }: Status): string {
  return tone === 'wait' || tone === 'run' ? `${words} ${time}` : words;
}

/** Writes a state where there is little room: the time of a wait is left out as well. */
export function shortenStatus(status: Status): string {
  return status.tone === 'wait' ? status.words : writeStatus(status);
}

type Loss = NonNullable<ReturnType<typeof findLoss>>;

function describeLoss({ step, outcome, because, durationMs }: Loss): Status {
  if (outcome === 'failed' || outcome === 'timeout') {
    const words = `${outcome === 'failed' ? 'failed' : 'took too long'} to ${verbs[step]}`;
    return { glyph: '✕', tone: 'bad', words, time: sayWhen(durationMs) };
  }
  const why = because ?? (outcome === 'canceled' ? 'canceled' : undefined);
  const words = `did not ${verbs[step]}${why === undefined ? '' : `: ${why}`}`;
  return { glyph: '⊘', tone: 'soft', words, time: '' };
}

function describeEnd(
  { record }: StepTimes,
  { removedAtMs, steps: { migrate, ready, stop } }: PluginRecord,
): Status {
  if (stop.outcome !== undefined && !record.onlyMigrates) {
    const end = { tone: 'soft', time: sayWhen(stop.finishedAtMs) } as const;
    return removedAtMs === undefined
      ? { ...end, glyph: '■', words: 'has stopped' }
      : { ...end, glyph: '⊖', words: 'was removed' };
  }
  const good = { glyph: '✓', tone: 'good' } as const;
  if (ready.outcome === 'done') {
    return { ...good, words: 'is up', time: sayWhen(ready.finishedAtMs) };
  }
  if (migrate.outcome === undefined) return notBegun('has not begun');
  const words = migrate.outcome === 'done' ? 'is migrated' : 'was up to date';
  return { ...good, words, time: sayWhen(migrate.finishedAtMs) };
}

function notBegun(words: string): Status {
  return { glyph: '○', tone: 'soft', words, time: '' };
}

function sayWhen(atMs: number | undefined): string {
  return atMs === undefined ? '' : `after ${formatDuration(atMs)}`;
}
