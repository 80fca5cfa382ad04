/** The four phases of a launch, in order. */
export const phases = ['discover', 'sort', 'migrateAll', 'initAll'] as const;
/** A phase of a launch, or `stopAll`, the way down. */
export type Phase = (typeof phases)[number] | 'stopAll';

/** One plugin's part of a phase, in the order in which a plugin goes through them. */
export const steps = ['migrate', 'init', 'ready', 'stop'] as const;
/** One plugin's part of a phase. */
export type Step = (typeof steps)[number];

/** How a step ended; a step that never came up is `notReached`. */
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
/** How a step of a plugin ended. */
export type Outcome = (typeof outcomes)[number];

/** How a phase ended. */
export type PhaseOutcome = 'done' | 'failed' | 'canceled';

/** How a whole boot ended: `degraded` is up without some optional plugin, `migrated` stopped after migrateAll as asked. */
export type BootOutcome = 'ready' | 'degraded' | 'migrated' | 'failed' | 'canceled';
