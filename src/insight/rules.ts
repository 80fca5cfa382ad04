import type { RecordedEvent } from './recorded-event.ts';

/** Every rule of `verify()` in one line. The table is closed. */
export const ruleMeanings = {
  sequence: 'events are numbered from 1, without gaps',
  time: 'the time never goes back',
  start: 'boot.started is the first event, and the only one of its kind',
  end: 'a boot finishes, begins to stop and stops at most once, and nothing follows after both ends',
  phases:
    'phases come in their order, one at a time; the next one needs the success of the last one',
  outcome: 'the outcome of the boot fits the outcomes of its steps',
  'step-once': 'a step of a plugin begins and finishes at most once, and begins before it finishes',
  'step-end': 'when everything has stopped, each phase and each step of each plugin has finished',
  'step-ran':
    'a step has begun if its outcome says that it ran, and has not if it says that it did not',
  'step-phase': 'a step begins only while its phase goes on',
  'gate-init': 'no plugin starts before every migration has settled',
  'gate-disk': 'no plugin starts before what was migrated is on the disk, where that is waited for',
  'gate-ready': 'no ready hook is called before every plugin has started or failed to',
  order: 'a step begins only after the step of every plugin that comes first has settled',
  needs: 'a step begins only after the step of every plugin that it needs has succeeded',
  'stop-order': 'no plugin stops while a plugin that comes after it is up',
  slot: 'two steps never have the same slot at once, and slots are counted from 1 to their number',
  backend: 'two migrations at once have two sessions of PostgreSQL; a pooler may give them one',
  'file-order': 'files begin and end one after the other, in their planned order, under the lock',
  'file-once': 'no file is applied twice',
  'file-pending': 'every file that is begun or applied was pending',
  statements: 'statements begin and end inside of their file, in their order',
  duration: 'durations agree with the times of the events',
  sums: 'the waits and the work of each step add up to its time, and the critical chain to that of the boot',
} as const;

/** The name of a rule that every boot keeps. */
export type Rule = keyof typeof ruleMeanings;

/** A rule that a boot has broken. */
export interface Violation {
  readonly rule: Rule;
  /** One sentence. */
  readonly message: string;
  /** The events that break it, by their `seq`. */
  readonly seqs: readonly number[];
}

/** Adds a violation. */
export type Blame = (
  rule: Rule,
  message: string,
  ...events: readonly (RecordedEvent | undefined)[]
) => void;
