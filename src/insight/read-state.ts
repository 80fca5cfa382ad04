import { roundMs } from '../core/duration.ts';
import type { BootState, LaunchState } from '../core/boot-state.ts';
import type { Wait } from '../core/waits.ts';
import type { Phase, Step, StepState } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import type { LaunchRecord } from './changes-record.ts';
import { estimateRest } from './estimate.ts';
import { writeHeadline } from './headline.ts';
import { listOpenSteps } from './open-steps.ts';
import { StepTimes } from './step-times.ts';

/** The steps that each phase takes with every plugin. */
const countedSteps: Partial<Record<BootState['phase'], readonly Step[]>> = {
  migrateAll: ['migrate'],
  initAll: ['init', 'ready'],
  stopAll: ['stop'],
};

/**
 * Reads the state of a boot from its record.
 *
 * @param machineState The name of the boot machine's state.
 * @param elapsedMs Now, counted as the record counts.
 */
export function readState(record: BootRecord, machineState: string, elapsedMs: number): BootState {
  const phase =
    machineState === 'launching' ? readPhase(record) : (machineState as BootState['phase']);
  const { bootId, finished, stepStates } = record;
  const last = record.launches.at(-1);
  const launch = last && readLaunch(last, elapsedMs);
  return {
    bootId,
    isStopping: record.stopping !== undefined,
    ...(finished ? { outcome: finished.outcome } : {}),
    ...readProgress(record, phase, elapsedMs),
    plugins: stepStates,
    ...(launch && { launch }),
  };
}

/** Reads the state of a launch into a boot that is up; `undefined` when it is over. */
function readLaunch(
  { number, startedAtMs, record }: LaunchRecord<BootRecord>,
  elapsedMs: number,
): LaunchState | undefined {
  if (record.finished) return undefined;
  return { launch: number, ...readProgress(record, readPhase(record), elapsedMs - startedAtMs) };
}

function readPhase({ phases }: BootRecord): Phase {
  return phases.at(-1)?.phase ?? 'discover';
}

function readProgress<P extends BootState['phase']>(
  record: BootRecord,
  phase: P,
  elapsedMs: number,
) {
  const { stepStates, pause } = record;
  const times = new StepTimes(record, elapsedMs);
  const etaMs = estimateRest(times);
  const counted = countedSteps[phase] ?? [];
  return {
    phase,
    headline: writeHeadline(times),
    ...countSettled(stepStates, counted),
    ...(etaMs !== undefined && { etaMs }),
    ...listOpenSteps(times, counted),
    ...(pause && { wait: toWait(pause, elapsedMs) }),
  };
}

/** Counts the steps of a phase that have ended, and all of them. */
export function countSettled(
  states: BootState['plugins'],
  counted: readonly Step[],
): Pick<BootState, 'settled' | 'total'> {
  if (counted.length === 0) return { settled: 0, total: 0 };
  const all = Object.values(states).flatMap((plugin) => counted.map((step) => plugin[step]));
  return { settled: all.filter(hasSettled).length, total: all.length };
}

function hasSettled(state: StepState): boolean {
  return state !== 'pending' && state !== 'running';
}

function toWait({ kind, reason, startMs }: NonNullable<BootRecord['pause']>, nowMs: number): Wait {
  return { kind, reason, forMs: roundMs(nowMs - startMs) };
}
