import type { BootRecord, StepState } from './boot-record.ts';
import type { LockHolder, RunningStep } from './events.ts';
import { steps, type BootOutcome, type Phase, type Step } from './steps.ts';

/** A plain picture of a boot at one moment. */
export interface BootState {
  readonly bootId: string;
  readonly phase: 'idle' | Phase | 'ready' | 'stopped' | 'failed';
  /** True from the moment when the way down begins, before anything is stopped. */
  readonly isStopping: boolean;
  /** The outcome of the launch; left out while it goes on. */
  readonly outcome?: BootOutcome;
  /** How many steps of this phase have ended, and how many there are; initAll has two for each plugin. */
  readonly settled: number;
  readonly total: number;
  /** The steps that run now, in the order of the graph. */
  readonly running: readonly (RunningStep & {
    /** The holder of the migration lock that it waits for. */
    readonly waitingFor?: LockHolder;
  })[];
  /** Another reason to wait: `PostgreSQL does not answer`. */
  readonly waitingFor?: string;
  /** The state of each step, by plugin id. */
  readonly plugins: Readonly<Record<string, Readonly<Record<Step, StepState>>>>;
}

/** The steps that each phase takes with every plugin. */
const countedSteps: Partial<Record<BootState['phase'], readonly Step[]>> = {
  migrateAll: ['migrate'],
  initAll: ['init', 'ready'],
  stopAll: ['stop'],
};

/**
 * @param machineState The name of the boot machine's state.
 * @param elapsedMs Now, counted as the record counts.
 */
export function readState(record: BootRecord, machineState: string, elapsedMs: number): BootState {
  const last = record.phases.at(-1)?.phase ?? 'discover';
  const phase = machineState === 'launching' ? last : (machineState as BootState['phase']);
  const { bootId, isStopping, finished, databaseWait, stepStates } = record;
  return {
    bootId,
    phase,
    isStopping,
    ...(finished ? { outcome: finished.outcome } : {}),
    ...countSteps(stepStates, countedSteps[phase] ?? []),
    running: phase === 'ready' ? [] : currentSteps(record, elapsedMs),
    ...(databaseWait === undefined ? {} : { waitingFor: databaseWait }),
    plugins: stepStates,
  };
}

function countSteps(
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

function currentSteps(record: BootRecord, elapsedMs: number): BootState['running'] {
  return record.plugins.flatMap(({ id, steps: known }): BootState['running'] => {
    const wait = record.lockWaits.get(id);
    if (wait) {
      const forMs = elapsedMs - wait.sinceMs;
      return [{ plugin: id, step: 'migrate', forMs, waitingFor: wait.holder }];
    }
    return steps.flatMap((step) => {
      const { startedAtMs, finished } = known[step];
      if (startedAtMs === undefined || finished) return [];
      return [{ plugin: id, step, forMs: elapsedMs - startedAtMs }];
    });
  });
}
