import type { Outcome, Phase, PhaseOutcome, Step } from '../src/core/steps.ts';

/** A plugin's step has settled, or will never run. */
export interface StepNews {
  readonly type: `plugin.${Step}.finished`;
  readonly plugin: string;
  readonly outcome: Outcome;
  readonly error?: unknown;
  /** Why a step was lost or never ran. */
  readonly because?: string;
}

/** The events that the machines report through their one named action, `tell`. */
export type MachineNews =
  | { readonly type: 'phase.started'; readonly phase: Phase }
  | {
      readonly type: 'phase.finished';
      readonly phase: Phase;
      readonly outcome: PhaseOutcome;
      readonly error?: unknown;
    }
  | StepNews;

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

export function phaseFinished(
  phase: Phase,
  outcome: PhaseOutcome,
  failures: readonly Failure[],
): MachineNews {
  const [first] = failures;
  return { type: 'phase.finished', phase, outcome, ...(first && { error: first.error }) };
}
