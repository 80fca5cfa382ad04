import type { RunningStep } from './running-steps.ts';
import type { Wait } from './waits.ts';
import type { BootOutcome, Phase, Step, StepState } from './steps.ts';

/** A step that has not begun, and why. */
export interface WaitingStep {
  readonly plugin: string;
  readonly step: Step;
  readonly wait: Wait;
}

/** A plain picture of a boot at one moment. */
export interface BootState {
  readonly bootId: string;
  readonly phase: 'idle' | Phase | 'ready' | 'stopped' | 'failed';
  /** True from the moment when the way down begins, before anything is stopped. */
  readonly isStopping: boolean;
  /** The outcome of the launch; left out while it goes on. */
  readonly outcome?: BootOutcome;
  /** The state of the boot in one sentence. */
  readonly headline: string;
  /** How many steps of this phase have ended, and how many there are; initAll has two for each plugin. */
  readonly settled: number;
  readonly total: number;
  /** How long it takes from now until the boot is ready; left out until a history of boots lets it be known. */
  readonly etaMs?: number;
  /** The steps that run now, in the order of the graph. */
  readonly running: readonly RunningStep[];
  /** The next steps of this phase, which have not begun, in the order of the graph. */
  readonly waiting: readonly WaitingStep[];
  /** A wait of the whole boot, such as for a PostgreSQL that does not answer. */
  readonly wait?: Wait;
  /**
   * The state of each step, by plugin id. Plugins that were added while it was up are here as well, unless their launch has failed.
   * Of a plugin that was removed, `stop` has ended.
   */
  readonly plugins: Readonly<Record<string, Readonly<Record<Step, StepState>>>>;
  /** The plugins that are added right now, while the others serve; left out when there are none. */
  readonly launch?: LaunchState;
}

/** A plain picture of a launch into a boot that is up. */
export interface LaunchState extends Omit<
  BootState,
  'bootId' | 'isStopping' | 'outcome' | 'plugins' | 'launch'
> {
  /** Its number: 2, 3, … */
  readonly launch: number;
  /** `stopAll` while what a failed launch has started is stopped. */
  readonly phase: Phase;
}
