import { roundMs } from '../core/duration.ts';
import type { BootState, WaitingStep } from '../core/boot-state.ts';
import type { RunningStatement, RunningStep, StatementLook } from '../core/running-steps.ts';
import type { Wait } from '../core/waits.ts';
import type { Step } from '../core/steps.ts';
import { findUsual } from './estimate.ts';
import type { FileRun } from './file-runs.ts';
import type { PluginRecord } from './plugin-record.ts';
import { listSegments, type Segment } from './segments.ts';
import type { StepTimes } from './step-times.ts';
import { findSlowest } from './tenants-record.ts';
import { listAwaited } from './wait-words.ts';

/** A step that has not ended, and the part of its time that goes on now. */
export interface OpenStep {
  readonly plugin: string;
  readonly step: Step;
  readonly hasBegun: boolean;
  /** Since when it has had its slot, or could go on as far as the plugin itself goes. */
  readonly sinceMs: number;
  /** Left out while it works. */
  readonly wait?: Wait;
}

/** Finds the step of a plugin that runs or comes next, with the reason why it waits. */
export function findOpenStep(times: StepTimes, plugin: PluginRecord): OpenStep | undefined {
  const step = findNextStep(times, plugin);
  if (step === undefined) return undefined;
  const segments = listSegments(times, plugin, step);
  const { spawnedAtMs } = plugin.steps[step];
  const sinceMs = spawnedAtMs ?? segments[0]?.startMs ?? times.nowMs;
  const last = segments.at(-1);
  const wait = last && readWait(times, step, last);
  const current = findPause(plugin, step) ?? wait;
  return {
    plugin: plugin.id,
    step,
    hasBegun: spawnedAtMs !== undefined,
    sinceMs,
    ...(current && { wait: current }),
  };

  /** A wait that has just begun has no segment yet, because no time has passed. */
  function findPause({ steps: own }: PluginRecord, of: Step): Wait | undefined {
    const pause = own[of].pauses.at(-1);
    const isOpen = pause && (pause.endMs === undefined || pause.endMs > times.nowMs);
    return isOpen
      ? { ...toWait(pause), forMs: roundMs(Math.max(0, times.nowMs - pause.startMs)) }
      : undefined;
  }
}

/** Finds the step that has not ended: the launch takes them in order, and the way down begins only with what has started. */
function findNextStep(
  { record }: StepTimes,
  { steps: own, removedAtMs }: PluginRecord,
): Step | undefined {
  const isGoingDown = record.findPhase('stopAll') !== undefined || removedAtMs !== undefined;
  if (isGoingDown) return own.stop.finishedAtMs === undefined ? 'stop' : undefined;
  return record.askedSteps.find((step) => step !== 'stop' && own[step].finishedAtMs === undefined);
}

function readWait(times: StepTimes, step: Step, segment: Segment): Wait | undefined {
  const { kind, startMs, endMs, plugins = [] } = segment;
  if (kind === 'own' || kind === 'statement') return undefined;
  const awaited = kind === 'dependency' ? listAwaited(times, step, plugins) : plugins;
  return { ...toWait({ ...segment, kind, plugins: awaited }), forMs: roundMs(endMs - startMs) };
}

function toWait({
  kind,
  plugins,
  holder,
  blockers,
  reason,
}: Omit<Wait, 'forMs'>): Omit<Wait, 'forMs'> {
  return {
    kind,
    ...(plugins && plugins.length > 0 && { plugins }),
    ...(holder && { holder }),
    ...(blockers && { blockers }),
    ...(reason !== undefined && { reason }),
  };
}

/** Lists the steps that have begun, and those of this phase that wait for their turn. */
export function listOpenSteps(
  times: StepTimes,
  counted: readonly Step[],
): Pick<BootState, 'running' | 'waiting'> {
  const running: RunningStep[] = [];
  const waiting: WaitingStep[] = [];
  for (const record of counted.length === 0 ? [] : times.record.plugins) {
    const open = findOpenStep(times, record);
    if (!open) continue;
    const { plugin, step, hasBegun, sinceMs, wait } = open;
    if (hasBegun) {
      const file = step === 'migrate' && !wait ? findRunningFile(record, times.nowMs) : undefined;
      const forMs = roundMs(times.nowMs - sinceMs);
      const usualMs = findUsual(times, plugin, step);
      running.push({
        plugin,
        step,
        forMs,
        ...(usualMs !== undefined && { usualMs }),
        ...(wait && { wait }),
        ...(file && { file }),
      });
    } else if (wait && counted.includes(step)) {
      waiting.push({ plugin, step, wait });
    }
  }
  return { running, waiting };
}

/** Finds the file that a plugin applies now, with its statement. Of tenants it is the one that takes long. */
export function findRunningFile(
  { tenants, steps: { migrate } }: PluginRecord,
  nowMs: number,
): RunningStatement | undefined {
  if (!tenants) return readRun(migrate.files.at(-1), nowMs);
  const slowest = findSlowest(tenants);
  if (!slowest || nowMs - slowest.run.startMs < longMs) return undefined;
  const running = readRun(slowest.run, nowMs);
  return running && { tenant: slowest.tenant, ...running };
}

/** Shorter ones come and go too fast to be read. */
const longMs = 1_000;

function readRun(run: FileRun | undefined, nowMs: number): RunningStatement | undefined {
  if (!run || run.endMs !== undefined) return undefined;
  const { file, index, of, statements, startMs } = run;
  const last = statements.at(-1);
  const running = last?.endMs === undefined ? last : undefined;
  return {
    file,
    index,
    of,
    ...(running && {
      statement: running.statement,
      ...(running.statements !== undefined && { statements: running.statements }),
      ...(running.line !== undefined && { line: running.line }),
      command: running.command,
    }),
    forMs: roundMs(nowMs - (running?.startMs ?? startMs)),
    ...readLook(run, running?.statement),
  };
}

/** What was seen of a statement says nothing about the next one; those who wait do so for the whole file. */
function readLook({ look }: FileRun, current: number | undefined): StatementLook {
  if (!look) return {};
  const { statement, progress, blockers, behind } = look;
  const isSame = statement !== undefined && statement === current;
  return {
    ...(isSame && progress && { progress }),
    ...(isSame && blockers && { blockers }),
    ...(behind && { behind }),
  };
}
