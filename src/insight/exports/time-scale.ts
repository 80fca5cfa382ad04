import type { Story } from '../story.ts';

/** A line of the grid. */
export interface Tick {
  readonly x: number;
  readonly label: string;
}

/** The way from times to places on a line. */
export interface TimeScale {
  /** The end of the line, in ms from the start of the boot. */
  readonly endMs: number;
  readonly ticks: readonly Tick[];
  /** The time between the end of the launch and the way down, if it is cut out. */
  readonly gap?: { readonly x: number; readonly width: number; readonly label: string };
  readonly toX: (ms: number) => number;
}

/** A boot that is up for days is not drawn with days of nothing. */
const gapWidth = 84;

/** A part of the line without a gap. */
interface Piece {
  readonly startMs: number;
  readonly endMs: number;
  readonly x: number;
  readonly width: number;
  /** The moment that the labels count from, and what they begin with. */
  readonly fromMs: number;
  readonly sign: string;
}

/** Makes the scale of a story: from the start of the boot to its end, and its way down. */
export function makeTimeScale(story: Story, left: number, width: number): TimeScale {
  const { stopping, stoppedAtMs } = story.record;
  const launchMs = Math.max(story.endMs, 1);
  const downMs = stopping === undefined ? undefined : (stoppedAtMs ?? story.nowMs);
  const endMs = Math.max(launchMs, downMs ?? 0);
  const stopMs = stopping?.atMs ?? endMs;
  const isCut = stopMs - launchMs > (launchMs + endMs - stopMs) / 4;
  if (!isCut) return lay([{ startMs: 0, endMs, x: left, width, fromMs: 0, sign: '' }]);
  const downMsLength = Math.max(1, endMs - stopMs);
  const forDown = Math.min(
    (width - gapWidth) / 2,
    Math.max(60, ((width - gapWidth) * downMsLength) / (launchMs + downMsLength)),
  );
  const forLaunch = width - gapWidth - forDown;
  const pieces = [
    { startMs: 0, endMs: launchMs, x: left, width: forLaunch, fromMs: 0, sign: '' },
    {
      startMs: stopMs,
      endMs: stopMs + downMsLength,
      x: left + width - forDown,
      width: forDown,
      fromMs: stopMs,
      sign: '+',
    },
  ];
  const label = `${formatRound(stopMs - launchMs)} later`;
  return { ...lay(pieces), gap: { x: left + forLaunch, width: gapWidth, label } };
}

function lay(pieces: readonly Piece[]): TimeScale {
  const toX = (ms: number): number => {
    const piece = pieces.findLast(({ startMs }) => startMs <= ms) ?? pieces[0];
    if (!piece) return 0;
    const part = (ms - piece.startMs) / (piece.endMs - piece.startMs);
    return piece.x + Math.min(Math.max(part, 0), 1) * piece.width;
  };
  const ticks = pieces.flatMap(listTicks);
  return { endMs: pieces.at(-1)?.endMs ?? 0, ticks, toX };
}

const steps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3,
  900e3, 1_800e3, 3_600e3, 7_200e3, 21_600e3, 86_400e3,
] as const;
const leastBetween = 74;

/** Finds the round time between two lines of a grid, so that their labels have room; `undefined` when there is none. */
export function findTickStep(perMs: number): number | undefined {
  return steps.find((each) => each * perMs >= leastBetween);
}

/** Round times, so far from each other that their labels have room. */
function listTicks({ startMs, endMs, x, width, fromMs, sign }: Piece): readonly Tick[] {
  const perMs = width / (endMs - startMs);
  const step = findTickStep(perMs);
  const count = step === undefined ? 1 : Math.floor((endMs - startMs) / step) + 1;
  return Array.from({ length: count }, (_, at) => {
    const ms = startMs - fromMs + at * (step ?? 0);
    return { x: x + at * (step ?? 0) * perMs, label: `${sign}${formatTick(ms)}` };
  });
}

/** Writes a round time: `1m 30s`. */
export function formatTick(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${ms / 1_000}s`;
  return formatRound(ms);
}

/** Writes hours, minutes and seconds, of which the first two that are not zero count. */
function formatRound(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  const written = parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count}${unit}`]));
  return written.slice(0, 2).join(' ') || '0s';
}
