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
  /** How much of the axis a millisecond has outside of gaps. */
  readonly perMs: number;
  /** The place of a time, from 0 to 1. */
  readonly place: (ms: number) => number;
}

/** Finds the time at a place on an axis, from 0 to 1: the inverse of `place`. */
export function findTime({ gaps, perMs }: Axis, place: number): number {
  let atMs = 0;
  let at = 0;
  for (const { startMs, endMs, from, to } of gaps) {
    if (place < from) break;
    if (place < to) return startMs + ((place - from) / (to - from)) * (endMs - startMs);
    atMs = endMs;
    at = to;
  }
  return perMs === 0 ? atMs : atMs + (place - at) / perMs;
}

/** A shorter stretch is drawn as long as it is, in ms. */
const shortestGapMs = 1_000;
/** And one that is a smaller part of what is left without longer ones. */
const smallestGap = 0.15;
/** All are drawn as long as they are, as long as together they leave a part of the axis for what lies between them. */
const leastGaps = 0.75;
/** The part of the axis that a gap has, unless there are many of them. */
const drawnGap = 0.15;
/** The most that all gaps have together. */
const drawnGaps = 0.45;
/** While time goes on, the stretch since the last change grows up to this part of the axis. */
const largestTail = 0.35;
/** While time goes on, no axis is shorter, in ms. */
const shortestOpenMs = 3_000;

/**
 * Lays an axis from 0 to `endMs`.
 *
 * @param busy The stretches in which something begins or ends, in any order. What lies between them may be drawn short.
 */
export function layAxis(endMs: number, busy: readonly Stretch[]): Axis {
  const found = findGaps(listQuiet(endMs, busy), endMs);
  const goneMs = sumLengths(found);
  const shownMs = endMs - goneMs;
  const share =
    shownMs > 0
      ? Math.min(drawnGap, drawnGaps / Math.max(found.length, 1))
      : 1 / Math.max(found.length, 1);
  const perMs = shownMs > 0 ? (1 - share * found.length) / shownMs : 0;
  const gaps = placeGaps(found, share, perMs);
  const last = gaps.at(-1);
  // Where it ends the axis, no rounding may be left.
  const whole = last?.endMs === endMs ? [...gaps.slice(0, -1), { ...last, to: 1 }] : gaps;
  return { gaps: whole, perMs, place: (ms) => placeOn(whole, perMs, ms) };
}

/**
 * Lays an axis for a boot that goes on. Its end is a round time that is still to come, so that bars grow and nothing else moves;
 * when it is reached, the next one follows. The stretch since the last change grows as well, up to a third of the axis: a boot
 * that hangs is not squeezed by the time that it hangs.
 *
 * @param nowMs In ms from the start of the boot.
 * @param busy As for {@link layAxis}.
 */
export function layOpenAxis(nowMs: number, busy: readonly Stretch[]): Axis {
  const past = busy.filter(({ startMs }) => startMs <= nowMs);
  const lastMs = past.reduce((last, { endMs }) => Math.max(last, Math.min(endMs, nowMs)), 0);
  const found = findGaps(listQuiet(lastMs, busy), lastMs);
  const shownMs = lastMs - sumLengths(found);
  const quietMs = nowMs - lastMs;
  let lengthMs = roundUp(shownMs);
  while (shownMs + Math.min(quietMs, largestTail * lengthMs) > lengthMs) {
    lengthMs = roundUp(lengthMs * 1.01);
  }
  const share = Math.min(drawnGap, drawnGaps / Math.max(found.length, 1));
  const perMs = (1 - share * found.length) / lengthMs;
  const gaps = placeGaps(found, share, perMs);
  if (quietMs > largestTail * lengthMs) {
    const from = placeOn(gaps, perMs, lastMs);
    const to = from + largestTail * lengthMs * perMs;
    const label = formatDuration(quietMs);
    gaps.push({ startMs: lastMs, endMs: nowMs, from, to, label });
  }
  return { gaps, perMs, place: (ms) => placeOn(gaps, perMs, ms) };
}

const roundEnds = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10] as const;

/** The next round time. */
function roundUp(ms: number): number {
  const least = Math.max(ms, shortestOpenMs);
  const power = 10 ** Math.floor(Math.log10(least));
  return (roundEnds.find((each) => each * power >= least) ?? 10) * power;
}

/** Joins stretches between which there is too little time for a gap. */
export function joinStretches(stretches: readonly Stretch[]): readonly Stretch[] {
  const joined: { readonly startMs: number; endMs: number }[] = [];
  for (const { startMs, endMs } of stretches.toSorted((a, b) => a.startMs - b.startMs)) {
    const last = joined.at(-1);
    if (last && startMs - last.endMs <= shortestGapMs) last.endMs = Math.max(last.endMs, endMs);
    else joined.push({ startMs, endMs });
  }
  return joined;
}

/** Lists what lies between busy stretches, from 0 to `endMs`. */
function listQuiet(endMs: number, busy: readonly Stretch[]): readonly Stretch[] {
  const [zero, end] = [0, endMs].map((ms) => ({ startMs: ms, endMs: ms }));
  const inside = busy.filter((each) => each.startMs >= 0 && each.startMs <= endMs);
  const joined = joinStretches([...inside, ...(zero && end ? [zero, end] : [])]);
  return joined.slice(1).flatMap(({ startMs }, at) => {
    const before = joined[at];
    return before ? [{ startMs: before.endMs, endMs: startMs }] : [];
  });
}

function sumLengths(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
}

/**
 * Finds the stretches to draw short, if the axis needs any. The longest one is taken first: of what is left then, each next one
 * has to be much as well.
 */
function findGaps(quiet: readonly Stretch[], endMs: number): readonly Stretch[] {
  const gaps: Stretch[] = [];
  let leftMs = endMs;
  const longestFirst = quiet.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
  for (const gap of longestFirst) {
    const ms = gap.endMs - gap.startMs;
    if (ms <= smallestGap * leftMs) break;
    gaps.push(gap);
    leftMs -= ms;
  }
  if (leftMs > (1 - leastGaps) * endMs) return [];
  return gaps.toSorted((a, b) => a.startMs - b.startMs);
}

function placeGaps(found: readonly Stretch[], share: number, perMs: number): Gap[] {
  const gaps: Gap[] = [];
  let atMs = 0;
  let at = 0;
  for (const { startMs, endMs } of found) {
    const from = at + (startMs - atMs) * perMs;
    at = from + share;
    atMs = endMs;
    gaps.push({ startMs, endMs, from, to: at, label: formatDuration(endMs - startMs) });
  }
  return gaps;
}

function placeOn(gaps: readonly Gap[], perMs: number, ms: number): number {
  const gap = gaps[countBefore(gaps, ms) - 1];
  if (!gap) return clamp(ms * perMs);
  if (ms < gap.endMs) {
    return gap.from + ((ms - gap.startMs) / (gap.endMs - gap.startMs)) * (gap.to - gap.from);
  }
  return clamp(gap.to + (ms - gap.endMs) * perMs);
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
