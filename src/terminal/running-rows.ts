import type pc from 'picocolors';
import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { RunningStatement, RunningStep } from '../core/running-steps.ts';
import type { LockBlocker, Wait } from '../core/waits.ts';
import { traceChain } from '../insight/critical-chain.ts';
import { describeAffected, findCurrentStep } from '../insight/headline.ts';
import { listOpenSteps } from '../insight/open-steps.ts';
import { describeLook } from '../insight/statement-words.ts';
import type { StepTimes } from '../insight/step-times.ts';
import { countSettled } from '../insight/tenants-record.ts';
import { cutEnd, cutMiddle, padTo, printableLine, wrapAtMost } from './display-width.ts';

type Colors = ReturnType<typeof pc.createColors>;

/** The size of the screen that rows are drawn for. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly colors: Colors;
}

const verbs = { init: 'starts', ready: 'gets ready', stop: 'stops' } as const;
const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const spinnerMs = 100;
/** Before the step that decides the time now, and before the headline, which is about it. */
const decides = '▸';
const hanging = 8;
const timeWidth = 7;
/** A longer text is cut: many lines about one plugin would hide the others. */
const mostLines = 3;

/**
 * Writes a row for each step that has begun: for how long, what it does or waits for, and what waits for it. The step that
 * decides the time now comes first. The last line is the headline, which names what waits for that step.
 */
export function drawRunning(times: StepTimes, headline: string, frame: Frame): readonly string[] {
  const { width, height, colors } = frame;
  const { record, nowMs } = times;
  const step = findCurrentStep(record);
  const { running, waiting } = listOpenSteps(times, step ? [step] : []);
  const deciding = running.length === 0 ? undefined : traceChain(times, nowMs).at(-1)?.plugin;
  const isDeciding = ({ plugin }: RunningStep): boolean => plugin === deciding;
  const sorted = running.toSorted(
    (a, b) => Number(isDeciding(b)) - Number(isDeciding(a)) || b.forMs - a.forMs,
  );
  const longest = Math.max(0, ...running.map(({ plugin }) => plugin.length));
  const idWidth = Math.min(longest, Math.max(8, Math.floor(width / 4)));
  const turn = spinner[Math.floor(nowMs / spinnerMs) % spinner.length] ?? '';

  const drawRow = (open: RunningStep): readonly string[] => {
    const { plugin, forMs, wait } = open;
    const mark = wait ? colors.yellow(wait.kind === 'retry' ? '↻' : '…') : colors.cyan(turn);
    const name = padTo(cutMiddle(plugin, idWidth), idWidth);
    const time = colors.dim(formatElapsed(forMs).padStart(timeWidth));
    return wrapAtMost(
      wait ? describeWait(times, open, wait, width) : describeWork(times, open, width),
      {
        before: `  ${isDeciding(open) ? decides : ' '} ${mark} ${name} ${time}  `,
        paint: wait ? colors.yellow : String,
        after: isDeciding(open) ? '' : colors.dim(describeAffected(times, plugin, open.step)),
        width,
        hanging,
        lines: mostLines,
        // The most important words come first.
        cut: cutEnd,
      },
    );
  };
  const last = wrapAtMost(printableLine(headline) + describeNext(times), {
    before: `  ${deciding === undefined ? ' ' : decides} `,
    width,
    hanging: 4,
    lines: Math.max(1, Math.min(mostLines, Math.floor(height / 2))),
    // It ends with how far the boot is.
    cut: cutMiddle,
  });
  const inQueue = waiting.filter(({ wait }) => wait.kind === 'slot').length;
  const { rows, hidden } = fitRows(sorted, drawRow, height - last.length, inQueue > 0);
  const more = [
    ...(hidden > 0 ? [`${hidden} more running`] : []),
    ...(inQueue > 0 ? [`${inQueue} ${inQueue === 1 ? 'waits' : 'wait'} for a slot`] : []),
  ].join(', ');
  const summary = more === '' ? [] : [colors.dim(cutMiddle(`    ${more}`, width))];
  return [...rows, ...(height > last.length ? summary : []), ...last];
}

/** Draws as many rows as fit, with a line for the summary, and counts the others. */
function fitRows(
  running: readonly RunningStep[],
  drawRow: (open: RunningStep) => readonly string[],
  height: number,
  hasSummary: boolean,
): { readonly rows: readonly string[]; readonly hidden: number } {
  const rows: string[] = [];
  for (const [at, open] of running.entries()) {
    const row = drawRow(open);
    const isLast = at === running.length - 1;
    const room = height - rows.length - (hasSummary || !isLast ? 1 : 0);
    if (row.length > room) return { rows, hidden: running.length - at };
    rows.push(...row);
  }
  return { rows, hidden: 0 };
}

/** The next attempt of a boot that waits. */
function describeNext({ record: { pause }, nowMs }: StepTimes): string {
  const leftMs = (pause?.untilMs ?? 0) - nowMs;
  return leftMs > 0 ? `; next attempt in ${formatElapsed(leftMs)}` : '';
}

function describeWork(
  { record }: StepTimes,
  { plugin, step, file, usualMs }: RunningStep,
  width: number,
): string {
  const usual = usualMs === undefined ? '' : `, usually ${formatElapsed(usualMs)}`;
  if (step !== 'migrate') return verbs[step] + usual;
  const tenants = record.find(plugin)?.tenants;
  const done = tenants && `${countSettled(tenants)} migrated`;
  if (!file) return done ?? 'prepares its migrations';
  const what = describeFile(file, width);
  return done === undefined ? what : `${done}, now ${file.tenant}: ${what}`;
}

/** `0002_names.sql (2 of 3), statement 1 of 2 (line 4), CREATE INDEX, for 3.2s` */
function describeFile(running: RunningStatement, width: number): string {
  const { file, index, of, statement, statements, line, command, forMs } = running;
  const seen = describeLook(command, running);
  const isOneOfMany = statement !== undefined && statements !== 1;
  const which = `statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`;
  const parts = [
    shortName(file, width) + (of > 1 ? ` (${index} of ${of})` : ''),
    ...(isOneOfMany ? [which + (line === undefined ? '' : ` (line ${line})`)] : []),
    ...(command && !running.progress ? [command] : []),
    `for ${formatElapsed(forMs)}${seen && `; ${seen}`}`,
  ];
  return parts.join(', ');
}

/** A file name takes at most half a line, so that the rest fits too. */
function shortName(file: string, width: number): string {
  return cutMiddle(printableLine(file), Math.max(12, Math.floor(width / 2)));
}

function describeWait(
  { record, nowMs }: StepTimes,
  { plugin, step }: RunningStep,
  { kind, forMs, holder, blockers, reason }: Wait,
  width: number,
): string {
  const since = formatElapsed(forMs);
  const why = reason === undefined ? '' : `: ${printableLine(reason)}`;
  switch (kind) {
    case 'lock':
      return `waits ${since} for its lock, held by ${printableLine(describeHolder(holder ?? {}))}`;
    case 'retry': {
      const { files, pauses } = record.find(plugin)?.steps[step] ?? {};
      const { attempt = 0, untilMs = 0 } = pauses?.at(-1) ?? {};
      const file = files?.at(-1)?.file;
      const next = untilMs > nowMs ? ` in ${formatElapsed(untilMs - nowMs)}` : '';
      const what = file === undefined ? '' : `${shortName(file, width)}, `;
      return `${what}attempt ${attempt}${next}${describeBlockers(blockers)}${why}`;
    }
    case 'connection':
      return `waits ${since} for a client of the pool${why}`;
    default:
      return `waits ${since}${why}`;
  }
}

/** `; in the way: psql (pid 4711)`, or nothing when no session is known to be. */
export function describeBlockers(blockers: readonly LockBlocker[] = []): string {
  if (blockers.length === 0) return '';
  return `; in the way: ${blockers.map((each) => printableLine(describeBlocker(each))).join('; ')}`;
}

/** One digit after the point, because more would only flicker. */
function formatElapsed(ms: number): string {
  return ms < 59_950 ? `${(Math.max(0, ms) / 1_000).toFixed(1)}s` : formatDuration(ms);
}
