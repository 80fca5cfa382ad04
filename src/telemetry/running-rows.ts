import type pc from 'picocolors';
import { describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import { cutMiddle, padTo, printableLine, wrapLine } from './display-width.ts';
import { joinNames, shorten } from './losses.ts';
import {
  describeBlockers,
  type BootWait,
  type Retry,
  type Running,
  type RunningSteps,
} from './running-steps.ts';

type Colors = ReturnType<typeof pc.createColors>;

/** The time, and the size of the screen, that rows are drawn for. */
interface Frame {
  /** Since the start of the boot. */
  readonly elapsedMs: number;
  readonly width: number;
  readonly height: number;
  readonly colors: Colors;
}

const verbs = { migrate: 'migrates', init: 'starts', ready: 'gets ready', stop: 'stops' } as const;
const done = { migrate: 'migrated', init: 'started', ready: 'ready', stop: 'stopped' } as const;
const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const spinnerMs = 100;
const indent = '    ';
const hanging = 8;
const timeWidth = 7;
const mostNamed = 3;

/** Writes a line for each plugin that runs or waits: for how long, what it does or waits for, and what waits for it. */
export function drawRunning(steps: RunningSteps, frame: Frame): readonly string[] {
  const { elapsedMs, width, colors } = frame;
  const { running, bootWait } = steps;
  const longest = Math.max(0, ...running.map(([plugin]) => plugin.length));
  const idWidth = Math.min(longest, Math.max(8, Math.floor(width / 4)));
  const row = (mark: string, id: string, sinceMs: number, text: string): readonly string[] => {
    const time = formatElapsed(elapsedMs - sinceMs).padStart(timeWidth);
    const name = padTo(cutMiddle(id, idWidth), idWidth);
    return wrapLine(`${indent}${mark} ${name} ${colors.dim(time)}  ${text}`, width, hanging);
  };
  const rows = running.map(([plugin, step]) => {
    const { sinceMs, wait } = step;
    const after = colors.dim(describeFollowers(steps.waitingFor(plugin, step.step)));
    if (wait) {
      const [mark, text] =
        'holder' in wait
          ? ['…', `waits for ${printableLine(describeHolder(wait.holder))}`]
          : ['↻', describeRetry(wait, frame)];
      return row(colors.yellow(mark), plugin, sinceMs, colors.yellow(text) + after);
    }
    const turn = Math.floor(elapsedMs / spinnerMs) % spinner.length;
    const text =
      step.step === 'migrate' ? describeFile(steps.files(plugin), step, width) : undefined;
    return row(
      colors.cyan(spinner[turn] ?? ''),
      plugin,
      sinceMs,
      (text ?? verbs[step.step]) + after,
    );
  });
  const waits = bootWait
    ? [wrapLine(indent + colors.yellow(describeBootWait(bootWait, elapsedMs)), width, hanging)]
    : [];
  const [first] = running;
  const progress = first
    ? colors.dim(
        `${indent}${steps.settledCount(first[1].step)} of ${steps.total} ${done[first[1].step]}`,
      )
    : undefined;
  return fitRows([...waits, ...rows], progress, frame);
}

/** Takes as many rows as fit, and counts the others. */
function fitRows(
  rows: readonly (readonly string[])[],
  progress: string | undefined,
  { height, colors }: Frame,
): readonly string[] {
  const room = height - 1;
  const lines: string[] = [];
  let taken = 0;
  for (const row of rows) {
    // The first is always shown: it has run for the longest time.
    if (taken > 0 && lines.length + row.length > room) break;
    lines.push(...row.slice(0, room));
    taken += 1;
  }
  const hidden = rows.length - taken;
  const more = hidden > 0 ? `${progress ? ', ' : indent}${hidden} more running` : '';
  return progress || more ? [...lines, `${progress ?? ''}${colors.dim(more)}`] : lines;
}

function describeFile(
  { pending, applied }: ReturnType<RunningSteps['files']>,
  { lastStatement }: Running,
  width: number,
): string | undefined {
  const file = pending[applied];
  if (file === undefined) return undefined;
  const place = pending.length > 1 ? `, file ${applied + 1} of ${pending.length}` : '';
  const { statement, statements } = lastStatement?.file === file ? lastStatement : { statement: 0 };
  const next =
    statements !== undefined && statement < statements
      ? `, statement ${statement + 1} of ${statements}`
      : '';
  return `${shortName(file, width)}${place}${next}`;
}

/** A file name takes at most half a line, so that the reason of a wait fits too. */
function shortName(file: string, width: number): string {
  return cutMiddle(printableLine(file), Math.max(12, Math.floor(width / 2)));
}

function describeRetry(retry: Retry, { elapsedMs, width }: Frame): string {
  const leftMs = retry.elapsedMs + retry.nextInMs - elapsedMs;
  const file = 'file' in retry ? `${shortName(retry.file, width)}, ` : '';
  const attempt = `attempt ${retry.attempt + 1}${leftMs > 0 ? ` in ${formatElapsed(leftMs)}` : ''}`;
  return `${file}${attempt}: ${printableLine(retry.error.message)}${describeBlockers(retry)}`;
}

function describeBootWait({ sinceMs, last }: BootWait, elapsedMs: number): string {
  const leftMs = last.elapsedMs + last.nextInMs - elapsedMs;
  const next = leftMs > 0 ? `; next attempt in ${formatElapsed(leftMs)}` : '';
  const why = last.error ? `: ${printableLine(last.error.message)}` : '';
  return `… ${formatElapsed(elapsedMs - sinceMs)}  ${printableLine(last.reason)}${why}${next}`;
}

/** `; billing, search, mail and 4 more wait for it` */
function describeFollowers(plugins: readonly string[]): string {
  if (plugins.length === 0) return '';
  const verb = plugins.length === 1 ? 'waits' : 'wait';
  return `; ${joinNames(shorten(plugins, mostNamed))} ${verb} for it`;
}

/** One digit after the point, because more would only flicker. */
function formatElapsed(ms: number): string {
  return ms < 59_950 ? `${(Math.max(0, ms) / 1_000).toFixed(1)}s` : formatDuration(ms);
}
