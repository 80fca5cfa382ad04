import type { LockBlocker, LockHolder, WaitKind } from '../core/waits.ts';
import type { Step } from '../core/steps.ts';
import type { FileRun } from './file-runs.ts';
import type { Pause, PluginRecord, StepRecord } from './plugin-record.ts';
import { findRelease } from './step-moments.ts';
import type { StepTimes } from './step-times.ts';

/** The use of a part of a step's time. `own` is work, Slipway's own included; `statement` is a statement of a migration. */
export type SegmentKind = WaitKind | 'statement' | 'own';

/** A part of a step's time, in ms from the start of the boot. */
export interface Segment {
  readonly kind: SegmentKind;
  readonly startMs: number;
  readonly endMs: number;
  /** Whether the step had its slot for the first time before it. */
  readonly hasBegun: boolean;
  /** The plugins that were waited for; the last one to end comes last. */
  readonly plugins?: readonly string[];
  readonly holder?: LockHolder;
  readonly blockers?: readonly LockBlocker[];
  readonly reason?: string;
  readonly file?: string;
  readonly statement?: number;
  readonly command?: string;
}

/**
 * Cuts the time of a step into parts that follow each other without gaps, from the moment when the plugin itself could go on
 * until the step has ended, or until now. So they add up to its wall time.
 */
export function listSegments(
  times: StepTimes,
  plugin: PluginRecord,
  step: Step,
): readonly Segment[] {
  const record = plugin.steps[step];
  const known = settled.get(record);
  if (known && times.nowMs >= (record.finishedAtMs ?? Infinity)) return known;
  const segments = cutTime(times, plugin, step);
  // Of a step that took time, everything is known at its end: no later event has a time before it.
  const { spawnedAtMs = Infinity, finishedAtMs = -Infinity } = record;
  if (spawnedAtMs < finishedAtMs && times.nowMs >= finishedAtMs) settled.set(record, segments);
  return segments;
}

/** The parts of steps that have ended. Views of a boot that runs ask for them again with every event. */
const settled = new WeakMap<StepRecord, readonly Segment[]>();

function cutTime(times: StepTimes, plugin: PluginRecord, step: Step): readonly Segment[] {
  const record = plugin.steps[step];
  const beginMs = times.findBegin(plugin, step);
  const endMs = record.finishedAtMs ?? times.nowMs;
  if (beginMs === undefined || beginMs >= endMs) return [];
  const line = new Line(beginMs, endMs);
  addQueue(line, times, plugin.id, step);
  if (record.spawnedAtMs !== undefined) {
    line.begin();
    addWork(line, record, endMs);
  }
  return line.close();
}

/** The waits before a step has its slot: for the gate, then for those that come first, then for a slot. */
function addQueue(line: Line, times: StepTimes, plugin: string, step: Step): void {
  const record = times.find(plugin, step);
  const endMs = record?.spawnedAtMs ?? record?.finishedAtMs ?? times.nowMs;
  const gateMs = times.findGate(step, plugin);
  if (gateMs === undefined) {
    const reason = times.explainGate(step);
    const plugins = times.listGateKeepers(step);
    line.add('gate', endMs, { plugins, ...(reason !== undefined && { reason }) });
    return;
  }
  line.add('gate', Math.min(gateMs, endMs));
  if (gateMs >= endMs) return;
  const before = listWaitedFor(times, plugin, step, gateMs);
  const lastMs = before.at(-1)?.atMs;
  if (lastMs !== undefined) {
    line.add('dependency', Math.min(lastMs, endMs), { plugins: before.map(({ id }) => id) });
    if (lastMs >= endMs) return;
  }
  if (record?.spawnedAtMs === undefined && record?.finishedAtMs === undefined) {
    line.add('slot', endMs, { plugins: times.listHolders(step) });
    return;
  }
  const release = findRelease(times.record.moments[step], line.atMs, endMs);
  if (release) line.add('slot', release.atMs, { plugins: [release.plugin.id] });
  line.add('own', endMs);
}

/** Lists the plugins that come first and had not ended when the gate opened, with the time of their end; the last comes last. */
function listWaitedFor(times: StepTimes, plugin: string, step: Step, gateMs: number) {
  const before: { readonly id: string; readonly atMs: number }[] = [];
  for (const id of times.listBefore(plugin, step)) {
    const atMs = times.find(id, step)?.finishedAtMs ?? Number.POSITIVE_INFINITY;
    if (atMs > gateMs) before.push({ id, atMs });
  }
  return before.toSorted((a, b) => a.atMs - b.atMs);
}

/** The time from its slot to its end: pauses, statements, and its own work between them. */
function addWork(line: Line, record: StepRecord, endMs: number): void {
  if (record.pauses.length === 0 && record.files.length === 0) return;
  const parts = [...record.pauses.map(toPart), ...record.files.flatMap(listStatements)];
  for (const { startMs, endMs: partEndMs, ...part } of parts.toSorted(byStart)) {
    line.add('own', Math.min(startMs, endMs));
    line.add(part.kind, Math.min(partEndMs ?? endMs, endMs), part);
  }
}

type Part = Partial<Omit<Segment, 'startMs' | 'endMs'>> &
  Pick<Segment, 'kind' | 'startMs'> & { readonly endMs?: number };

const byStart = (a: Part, b: Part): number => a.startMs - b.startMs;

function toPart({ kind, startMs, endMs, reason, holder, blockers }: Pause): Part {
  return {
    kind,
    startMs,
    ...(endMs !== undefined && { endMs }),
    ...(reason !== undefined && { reason }),
    ...(holder && { holder }),
    ...(blockers && { blockers }),
  };
}

/** A statement that failed has no end of its own: it lasted until its file was given up. */
function listStatements({ file, statements, endMs: fileEndMs }: FileRun): readonly Part[] {
  return statements.map(({ statement, command, startMs, endMs = fileEndMs }) => ({
    kind: 'statement',
    startMs,
    ...(endMs !== undefined && { endMs }),
    file,
    statement,
    command,
  }));
}

/** Segments one behind the other. Each begins where the one before it ended, so nothing is counted twice. */
class Line {
  readonly #segments: Segment[] = [];
  readonly #endMs: number;
  #atMs: number;
  #hasBegun = false;

  constructor(beginMs: number, endMs: number) {
    this.#atMs = beginMs;
    this.#endMs = endMs;
  }

  get atMs(): number {
    return this.#atMs;
  }

  begin(): void {
    this.#hasBegun = true;
  }

  /** Adds the time until `endMs`. An empty one is left out. */
  add(
    kind: SegmentKind,
    endMs: number,
    more?: Omit<Partial<Segment>, 'startMs' | 'endMs' | 'hasBegun'>,
  ): void {
    const end = Math.min(endMs, this.#endMs);
    if (end <= this.#atMs) return;
    this.#segments.push({
      kind,
      startMs: this.#atMs,
      endMs: end,
      hasBegun: this.#hasBegun,
      ...more,
    });
    this.#atMs = end;
  }

  close(): readonly Segment[] {
    this.add('own', this.#endMs);
    return this.#segments;
  }
}
