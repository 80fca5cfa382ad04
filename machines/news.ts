import type {
  LaunchOutcome,
  Outcome,
  Phase,
  PhaseOutcome,
  RemovalOutcome,
  Step,
} from '../src/core/steps.ts';

/** A plugin's step has settled, or will never run. */
export interface StepNews {
  readonly type: `plugin.${Step}.finished`;
  readonly plugin: string;
  readonly outcome: Outcome;
  readonly error?: unknown;
  /** Why a step was lost or never ran. */
  readonly because?: string;
}

/** A phase has begun or ended; `launch` is left out for those of the boot itself. */
export type PhaseNews = { readonly phase: Phase; readonly launch?: number } & (
  | { readonly type: 'phase.started' }
  | { readonly type: 'phase.finished'; readonly outcome: PhaseOutcome; readonly error?: unknown }
);

/**
 * Plugins are added to a boot that is up, or one of them is removed. Each ends once, and has begun unless its turn never came or
 * it was refused.
 */
export type ChangeNews =
  | { readonly type: 'launch.started'; readonly launch: number }
  | {
      readonly type: 'launch.finished';
      readonly launch: number;
      readonly outcome: LaunchOutcome;
      readonly error?: unknown;
    }
  | {
      readonly type: 'removal.started';
      readonly removal: number;
      readonly plugin: string;
      readonly plugins: readonly string[];
    }
  | {
      readonly type: 'removal.finished';
      readonly removal: number;
      readonly plugin: string;
      /** The plugins that were stopped: itself, and all that use it. Empty when it was refused or canceled. */
      readonly plugins: readonly string[];
      readonly outcome: RemovalOutcome;
      readonly error?: unknown;
      /** Why it was refused. */
      readonly because?: string;
    };

/** The events that the machines report through their one named action, `tell`. */
export type MachineNews = PhaseNews | ChangeNews | StepNews;

/** An error and its plugin; without a plugin it is an error of the phase itself. */
export interface Failure {
  readonly plugin?: string;
  readonly error: unknown;
}

/** The default of `tell`, for machines without a listener. */
export function ignoreNews(_args: unknown, _news: MachineNews): void {}

export function stepFinished(
  step: Step,
  plugin: string,
  end: Omit<StepNews, 'type' | 'plugin'>,
): StepNews {
  return {
    type: `plugin.${step}.finished`,
    plugin,
    outcome: end.outcome,
    ...(end.error !== undefined && { error: end.error }),
    ...(end.because !== undefined && { because: end.because }),
  };
}

export function phaseStarted(phase: Phase, launch: number): PhaseNews {
  return { type: 'phase.started', phase, ...ofLaunch(launch) };
}

export function phaseFinished(
  phase: Phase,
  launch: number,
  outcome: PhaseOutcome,
  failures: readonly Failure[],
): PhaseNews {
  const [first] = failures;
  const error = first && { error: first.error };
  return { type: 'phase.finished', phase, ...ofLaunch(launch), outcome, ...error };
}

/** The number of the launch that every boot begins with. */
export const firstLaunch = 1;

function ofLaunch(launch: number): { readonly launch?: number } {
  return launch === firstLaunch ? {} : { launch };
}
