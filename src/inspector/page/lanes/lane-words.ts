import { formatDuration } from '../../../core/duration.ts';
import { waitKinds } from '../../../core/waits.ts';
import { steps, type Step } from '../../../core/steps.ts';
import { isWait, type Bar } from '../../../insight/exports/bars.ts';
import { nameTarget, waitWords } from '../../../insight/wait-words.ts';
import type { ChainLink } from '../../../core/report.ts';

const stepWords: Readonly<Record<Step, string>> = {
  migrate: 'migrated',
  init: 'init',
  ready: 'ready',
  stop: 'stop',
};

/**
 * Describes the bars of a row in a sentence, for readers who do not see them. Everyone waits for the gate, so it is left out.
 *
 * @example 'waited 1.37s for its lock, migrated 626ms, init 67ms'
 */
export function describeBars(bars: readonly Bar[]): string {
  const waits = [...bars, ...bars.flatMap(({ parts }) => parts)].filter(isWait);
  const parts = waitKinds
    .filter((kind) => kind !== 'gate')
    .flatMap((kind) => {
      const ms = waits.filter((bar) => bar.kind === kind).reduce(addLength, 0);
      return ms === 0 ? [] : [`waited ${formatDuration(ms)} for ${waitWords[kind]}`];
    });
  for (const step of steps) {
    const work = bars.find((bar) => bar.kind === 'step' && bar.step === step);
    if (!work || (work.startMs === work.endMs && work.parts.length === 0)) continue;
    const end = work.goesOn ? ', running' : isLoss(work) ? `, ${work.outcome}` : '';
    parts.push(`${stepWords[step]} ${formatDuration(measureWork(work))}${end}`);
  }
  return parts.join(', ');
}

/** The time that the steps of a row took: from the slot of each to its end, with the waits inside of them. */
export function sumTime(bars: readonly Bar[]): number {
  return bars.filter(({ kind }) => kind === 'step').reduce(addLength, 0);
}

function measureWork(bar: Bar): number {
  return bar.endMs - bar.startMs - bar.parts.filter(isWait).reduce(addLength, 0);
}

function addLength(sum: number, { startMs, endMs }: Bar): number {
  return sum + endMs - startMs;
}

function isLoss({ outcome }: Bar): boolean {
  return outcome !== undefined && outcome !== 'done' && outcome !== 'upToDate';
}

/** Describes a part of the critical chain: `migrate catalog, 1.37s`. */
export function describeLink({ plugin, step, kind, startMs, endMs }: ChainLink): string {
  const what = plugin === undefined ? step : `${step} ${plugin}`;
  const wait = kind === 'work' ? '' : ` waits for ${nameTarget(kind, step)}`;
  return `${what}${wait}, ${formatDuration(endMs - startMs)}`;
}

const mostLinks = 12;

/** Describes the critical chain in a sentence, for readers who do not see it: its longest parts, in their order. */
export function describeChain(chain: readonly ChainLink[]): string {
  const longest = new Set(
    chain.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs)).slice(0, mostLinks),
  );
  const left = chain.length - longest.size;
  const words = chain.filter((link) => longest.has(link)).map(describeLink);
  return [...words, ...(left > 0 ? [`${left} shorter ones`] : [])].join('; ');
}
