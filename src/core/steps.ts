/** The four phases of a launch, in order. */
export const phases = ['discover', 'sort', 'migrateAll', 'initAll'] as const;
/** A phase of a launch, or `stopAll`, in which everything is stopped. */
export type Phase = (typeof phases)[number] | 'stopAll';

/** The steps of a plugin, in order. */
export const steps = ['migrate', 'init', 'ready', 'stop'] as const;
/** One plugin's part of a phase. */
export type Step = (typeof steps)[number];

/** The end of a step; a step that never ran is `notReached`. */
export const outcomes = [
  'done',
  'upToDate',
  'failed',
  'timeout',
  'dependency',
  'skipped',
  'canceled',
  'notReached',
] as const;
/** The outcome of a plugin's step. */
export type Outcome = (typeof outcomes)[number];

/** The state of a step. */
export type StepState = Outcome | 'pending' | 'running';

const beforeStep = 'plugin.';

/** The step that a step event's name speaks of. */
export function stepIn(name: `plugin.${Step}.${string}`): Step {
  return name.slice(beforeStep.length, name.indexOf('.', beforeStep.length)) as Step;
}

/** The outcome of a phase. */
export type PhaseOutcome = 'done' | 'failed' | 'canceled';

/** The outcome of a whole boot: `degraded` is up without some optional plugin, `migrated` is the end of `migrate()`. */
export type BootOutcome = 'ready' | 'degraded' | 'migrated' | 'failed' | 'canceled';

/** The outcome of a launch that adds plugins to a boot that is up. */
export type LaunchOutcome = Exclude<BootOutcome, 'migrated'>;

/** The outcome of a removal: `failed` when a stop handler failed, and the plugins are removed all the same. */
export type RemovalOutcome = 'done' | 'failed' | 'refused' | 'canceled';
