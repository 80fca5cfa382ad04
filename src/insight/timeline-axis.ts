import { formatDuration } from '../core/duration.ts';

/** A stretch of time, in ms from the start of the boot. */
export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
}

/** A stretch that is drawn short, because nothing begins or ends in it. */
export interface Gap extends Stretch {
  /** Its place on the axis, from 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** Its length: `41s`. */
  readonly label: string;
}

/** An axis on which long stretches without a change are short. */
export interface Axis {
  readonly gaps: readonly Gap[];
  /** The place of a time, from 0 to 1. */
  readonly place: (ms: number) => number;
}

/** A shorter stretch is drawn as long as it is, in ms. */
const shortestGapMs = 1_000;
/** And one that is a smaller part of what is not drawn short. */
const smallestGap = 0.05;
/** The part of the axis that a gap has, unless there are many of them. */
const drawnGap = 0.04;
/** The most that all gaps have together. */
const drawnGaps = 0.4;

/** Lays an axis from 0 to `endMs` on which everything that begins or ends has its place. */
export function layAxis(endMs: number, stretches: readonly Stretch[]): Axis {
  const points = [0, endMs, ...stretches.flatMap(({ startMs, endMs: end }) => [startMs, end])]
    .filter((ms) => ms >= 0 && ms <= endMs)
    .toSorted((a, b) => a - b);
  const found = findGaps(
    endMs,
    points.map((startMs, at) => ({ startMs, endMs: points[at + 1] ?? startMs })),
  );
  const goneMs = found.reduce((sum, { startMs, endMs: end }) => sum + end - startMs, 0);
  const shownMs = endMs - goneMs;
  const share =
    shownMs > 0
      ? Math.min(drawnGap, drawnGaps / Math.max(found.length, 1))
      : 1 / Math.max(found.length, 1);
  const perMs = shownMs > 0 ? (1 - share * found.length) / shownMs : 0;
  const gaps: Gap[] = [];
  let atMs = 0;
  let at = 0;
  for (const { startMs, endMs: end } of found) {
    const from = at + (startMs - atMs) * perMs;
    at = from + share;
    atMs = end;
    // Where it ends the axis, no rounding may be left.
    const to = end === endMs ? 1 : at;
    gaps.push({ startMs, endMs: end, from, to, label: formatDuration(end - startMs) });
  }
  return { gaps, place };

  function place(ms: number): number {
    const gap = gaps[countBefore(gaps, ms) - 1];
    if (!gap) return clamp(ms * perMs);
    if (ms < gap.endMs) {
      return gap.from + ((ms - gap.startMs) / (gap.endMs - gap.startMs)) * (gap.to - gap.from);
    }
    return clamp(gap.to + (ms - gap.endMs) * perMs);
  }
}

/** Finds the stretches to draw short, the longest one first: of what is left then, each next one has to be much as well. */
function findGaps(endMs: number, stretches: readonly Stretch[]): readonly Stretch[] {
  const gaps: Stretch[] = [];
  let leftMs = endMs;
  const longestFirst = stretches.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
  for (const gap of longestFirst) {
    const ms = gap.endMs - gap.startMs;
    if (ms <= Math.max(shortestGapMs, smallestGap * leftMs)) break;
    gaps.push(gap);
    leftMs -= ms;
  }
  return gaps.toSorted((a, b) => a.startMs - b.startMs);
}

function clamp(place: number): number {
  return Math.min(1, Math.max(0, place));
}

/** Counts the gaps that begin before a time, or at it, by halving. */
function countBefore(gaps: readonly Gap[], ms: number): number {
  let low = 0;
  let high = gaps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((gaps[middle]?.startMs ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
