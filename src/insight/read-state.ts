import { roundMs } from '../core/duration.ts';
import type { BootState } from '../core/boot-state.ts';
import type { Wait } from '../core/waits.ts';
import type { Step, StepState } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
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
  const last = record.phases.at(-1)?.phase ?? 'discover';
  const phase = machineState === 'launching' ? last : (machineState as BootState['phase']);
  const { bootId, finished, stepStates, pause } = record;
  const times = new StepTimes(record, elapsedMs);
  const etaMs = estimateRest(times);
  return {
    bootId,
    phase,
    isStopping: record.stopping !== undefined,
    ...(finished ? { outcome: finished.outcome } : {}),
    headline: writeHeadline(times),
    ...countSettled(stepStates, countedSteps[phase] ?? []),
    ...(etaMs !== undefined && { etaMs }),
    ...listOpenSteps(times, countedSteps[phase] ?? []),
    ...(pause ? { wait: toWait(pause, elapsedMs) } : {}),
    plugins: stepStates,
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
