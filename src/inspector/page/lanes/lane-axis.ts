import { findTickStep, formatTick } from '../../../insight/exports/time-scale.ts';
import { measureText } from '../../../insight/exports/svg-text.ts';
import type { Axis } from '../../../insight/timeline-axis.ts';

/** A line of the grid, with its place from 0 to 1. */
export interface LaneTick {
  readonly at: number;
  readonly label: string;
}

/** The room that the label of a gap takes, in px. */
const labelWidth = 64;

/**
 * Lists the round times that have room on an axis of this width, in px. Inside of gaps there are none; nor behind a hang, where
 * they would move with every look.
 */
export function listTicks(
  { gaps, perMs, place }: Axis,
  width: number,
  shownMs: number,
): readonly LaneTick[] {
  const step = findTickStep(perMs * width);
  if (step === undefined) return [{ at: 0, label: '0' }];
  const ticks: LaneTick[] = [];
  const room = labelWidth / width;
  const isFree = (at: number): boolean =>
    gaps.every(({ from, to }) => Math.abs(at - (from + to) / 2) > (to - from) / 2 + room / 2) &&
    at - (ticks.at(-1)?.at ?? -1) > room;
  const pieces = [0, ...gaps.map(({ endMs }) => endMs)]
    .map((startMs, index) => ({ startMs, last: gaps[index]?.from ?? 1 }))
    .filter(({ startMs }) => startMs === 0 || startMs < shownMs);
  for (const { startMs, last } of pieces) {
    for (let ms = Math.ceil(startMs / step) * step; ; ms += step) {
      const at = place(ms);
      if (at > last || (at === 1 && ticks.at(-1)?.at === 1)) break;
      if (isFree(at)) ticks.push({ at, label: formatTick(ms) });
      if (at >= 1) break;
    }
  }
  return ticks;
}

/** A moment that is marked on the axis. */
export interface Mark {
  readonly at: number;
  readonly word: string;
}

/** A text over the axis. */
export interface AxisLabel {
  readonly kind: 'tick' | 'gap' | 'marked';
  readonly label: string;
  /** Its left end, in px. */
  readonly left: number;
}

const fontSize = 12;
/** Bold letters are wider. */
const boldFactor = 1.15;
const space = 8;

/**
 * Places the texts over an axis of this width, in px, so that none overlaps another: first the mark, then the lengths of gaps,
 * then the ticks. The length of a gap makes way for the mark; a tick that has no room is left out.
 */
export function placeLabels(
  ticks: readonly LaneTick[],
  gaps: Axis['gaps'],
  mark: Mark | undefined,
  width: number,
): readonly AxisLabel[] {
  const placed: (AxisLabel & { readonly right: number })[] = [];
  const add = (kind: AxisLabel['kind'], label: string, at: number, makesWay: boolean): void => {
    const room = measureText(label, fontSize) * (kind === 'marked' ? boldFactor : 1);
    let left = Math.max(0, Math.min(at * width - room / 2, width - room));
    const findHit = () =>
      placed.find((other) => left < other.right + space && other.left < left + room + space);
    const hit = findHit();
    if (hit && makesWay) {
      const before = hit.left - space - room;
      left = before >= 0 ? before : hit.right + space;
    }
    if (findHit() || left + room > width) return;
    placed.push({ kind, label, left, right: left + room });
  };
  if (mark) add('marked', mark.word, mark.at, false);
  for (const { from, to, label } of gaps) add('gap', label, (from + to) / 2, true);
  for (const { at, label } of ticks) add('tick', label, at, false);
  return placed.map(({ kind, label, left }) => ({ kind, label, left }));
}
