import { describeBlocker, describeHolder } from '../../core/describe-session.ts';
import { formatDuration } from '../../core/duration.ts';
import { waitKinds, type WaitKind } from '../../core/waits.ts';
import { joinNames, shorten } from '../../core/printable.ts';
import { isSuccess } from '../../core/schedule.ts';
import type { Step } from '../../core/steps.ts';
import type { FileRun, StatementRun } from '../file-runs.ts';
import type { PluginRecord } from '../plugin-record.ts';
import { listSegments, type Segment } from '../segments.ts';
import type { StepTimes } from '../step-times.ts';
import { listAwaited, nameTarget } from '../wait-words.ts';
import { firstLine } from '../step-words.ts';

/** A part of a plugin's time to draw. Bars of one row follow each other, and parts lie inside of their bar. */
export interface Bar {
  readonly kind: 'step' | 'file' | 'statement' | WaitKind;
  readonly step: Step;
  readonly name: string;
  /** In ms from the start of the boot. */
  readonly startMs: number;
  readonly endMs: number;
  /** Whether it goes on, so that its end is now. */
  readonly goesOn: boolean;
  /** Left out for a wait, and for what goes on. */
  readonly outcome?: string;
  /** What a wait is for: `catalog`, `its lock`. */
  readonly target?: string;
  /** All of it in one sentence. */
  readonly says: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  readonly parts: readonly Bar[];
}

const waits: ReadonlySet<string> = new Set(waitKinds);

/** Whether a bar is a wait. */
export function isWait({ kind }: Bar): boolean {
  return waits.has(kind);
}

/** Whether a bar is something that went wrong: a step or a file that failed, or that did not run because of another one. */
export function isFailure({ outcome }: Bar): boolean {
  return outcome === 'failed' || outcome === 'timeout' || outcome === 'dependency';
}

/** Lists the bars of a plugin in order of time: waits, and steps with the files and the waits inside of them. */
export function listBars(times: StepTimes, plugin: PluginRecord): readonly Bar[] {
  const bars = times.record.askedSteps.flatMap((step) => drawStep(times, plugin, step));
  return lineUp(bars, 0, Number.POSITIVE_INFINITY);
}

/** Draws the bars of one step: the waits before it, and the step itself with the waits and files inside of it. */
export function drawStep(times: StepTimes, plugin: PluginRecord, step: Step): readonly Bar[] {
  const { spawnedAtMs, finishedAtMs, outcome } = plugin.steps[step];
  const segments = listSegments(times, plugin, step);
  const drawWait = (segment: Segment): readonly Bar[] => {
    const goesOn = finishedAtMs === undefined && segment === segments.at(-1);
    return drawSegment(times, plugin.id, step, segment, goesOn);
  };
  const queue = segments.filter(({ hasBegun }) => !hasBegun).flatMap(drawWait);
  const hasEndedWell = outcome !== undefined && isSuccess(outcome);
  const startMs = spawnedAtMs ?? (hasEndedWell ? undefined : finishedAtMs);
  if (startMs === undefined) return queue;
  const pauses = segments.filter(({ hasBegun }) => hasBegun).flatMap(drawWait);
  const files = plugin.steps[step].files.map((file) => drawFile(times, plugin, file));
  const parts = [...pauses, ...files].toSorted((a, b) => a.startMs - b.startMs);
  return [...queue, drawWork(times, plugin, step, startMs, parts)];
}

/** The step itself, from its slot to its end. One that never ran is a point in time. */
function drawWork(
  times: StepTimes,
  plugin: PluginRecord,
  step: Step,
  startMs: number,
  parts: readonly Bar[],
): Bar {
  const { finishedAtMs, outcome, error, because, slot, backendPid } = plugin.steps[step];
  const endMs = finishedAtMs ?? times.nowMs;
  const why = because ?? (error && firstLine(error.message));
  const lasted = formatDuration(endMs - startMs);
  return {
    kind: 'step',
    step,
    name: step,
    startMs,
    endMs,
    goesOn: finishedAtMs === undefined,
    ...(outcome !== undefined && { outcome }),
    says: `${step} ${plugin.id}: ${outcome ?? 'running'}, ${lasted}${why === undefined ? '' : `: ${why}`}`,
    facts: {
      plugin: plugin.id,
      outcome: outcome ?? 'running',
      ...(slot !== undefined && { slot }),
      ...(backendPid !== undefined && { backendPid }),
      ...(because !== undefined && { because }),
      ...(error && { error: error.message }),
      ...(error?.code !== undefined && { code: error.code }),
      ...(error?.hint !== undefined && { hint: error.hint }),
    },
    parts,
  };
}

function drawFile(times: StepTimes, { id, steps: own }: PluginRecord, run: FileRun): Bar {
  const { file, index, of, transaction, startMs, outcome, statements } = run;
  const endMs = run.endMs ?? own.migrate.finishedAtMs ?? times.nowMs;
  const goesOn = run.endMs === undefined && own.migrate.finishedAtMs === undefined;
  const state = outcome ?? (goesOn ? 'running' : 'canceled');
  const lasted = formatDuration(endMs - startMs);
  return {
    kind: 'file',
    step: 'migrate',
    name: file,
    startMs,
    endMs,
    goesOn,
    ...(!goesOn && { outcome: state }),
    says: `${file} of ${id} (file ${index} of ${of}): ${state}, ${lasted}`,
    facts: { plugin: id, outcome: state, index, of, transaction },
    parts: statements.map((statement) => drawStatement(id, run, statement, endMs, goesOn)),
  };
}

function drawStatement(
  plugin: string,
  { file }: FileRun,
  run: StatementRun,
  fileEndMs: number,
  fileGoesOn: boolean,
): Bar {
  const { statement, statements, line, command, startMs, endMs = fileEndMs } = run;
  const goesOn = run.endMs === undefined && fileGoesOn;
  const which = `statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`;
  const lasted = formatDuration(endMs - startMs);
  return {
    kind: 'statement',
    step: 'migrate',
    name: `${statement}: ${command || 'SQL'}`,
    startMs,
    endMs,
    goesOn,
    says: `${which} of ${file}: ${command || 'SQL'}, ${goesOn ? 'running, ' : ''}${lasted}`,
    facts: { plugin, file, statement, command, ...(line !== undefined && { line }) },
    parts: [],
  };
}

function drawSegment(
  times: StepTimes,
  plugin: string,
  step: Step,
  segment: Segment,
  goesOn: boolean,
): readonly Bar[] {
  const { kind, startMs, endMs, holder, blockers = [], reason } = segment;
  if (kind === 'own' || kind === 'statement') return [];
  const all = segment.plugins ?? [];
  const plugins = kind === 'dependency' ? listAwaited(times, step, all) : all;
  const target = nameTarget(kind, step, plugins);
  const what = describeTarget(target, { ...segment, kind, plugins });
  const bar: Bar = {
    kind,
    step,
    name: `wait: ${kind}`,
    startMs,
    endMs,
    goesOn,
    target,
    says: `${step} ${plugin} ${goesOn ? 'waits' : 'waited'} ${formatDuration(endMs - startMs)} for ${what}`,
    facts: {
      plugin,
      step,
      kind,
      ...(plugins.length > 0 && { plugins: joinNames(shorten(plugins, 20)) }),
      ...(holder && { holder: describeHolder(holder) }),
      ...(blockers.length > 0 && { blockers: blockers.map(describeBlocker).join('; ') }),
      ...(reason !== undefined && { reason }),
    },
    parts: [],
  };
  return [bar];
}

/** What was waited for. The wait may have ended long ago, so nothing here says that it goes on. */
function describeTarget(
  target: string,
  wait: Omit<Segment, 'kind'> & { readonly kind: WaitKind },
): string {
  const { kind, plugins = [], holder, blockers = [], reason } = wait;
  const names = joinNames(shorten(plugins, 3));
  const why = reason === undefined ? '' : `: ${firstLine(reason)}`;
  const inTheWay =
    blockers.length === 0 ? '' : `; in the way: ${blockers.map(describeBlocker).join('; ')}`;
  const targets: Readonly<Record<WaitKind, string>> = {
    dependency: names || target,
    gate: target,
    slot: names === '' ? 'a slot' : `a slot of ${names}`,
    connection: `a client of the pool${why}`,
    lock: `the migration lock of ${describeHolder(holder ?? {})}`,
    retry: `the next attempt${why}${inTheWay}`,
    database: `PostgreSQL${why}`,
  };
  return targets[kind];
}

/**
 * Puts bars into one row: each begins at the end of the one before it or later, and none leaves its row. Events of two kinds may
 * overlap by a little, and a viewer drops slices that do.
 */
export function lineUp(bars: readonly Bar[], rowStartMs: number, rowEndMs: number): readonly Bar[] {
  let atMs = rowStartMs;
  return bars.flatMap((bar) => {
    const startMs = Math.min(Math.max(bar.startMs, atMs), rowEndMs);
    const endMs = Math.min(Math.max(bar.endMs, startMs), rowEndMs);
    if (startMs === endMs && bar.kind !== 'step') return [];
    atMs = endMs;
    return [{ ...bar, startMs, endMs, parts: lineUp(bar.parts, startMs, endMs) }];
  });
}
