import type { ErrorRecord } from '../../core/error-record.ts';
import type { LockBlocker } from '../../core/waits.ts';
import type { FileFacts } from './file-meter.ts';

/**
 * The end of one file in a rehearsal: it ran (`done`); PostgreSQL refused it (`failed`); another session held a lock that it
 * needs (`locked`); it cannot be rehearsed here (`leftOut`); the time was up (`late`); or an earlier end kept it from running
 * (`notReached`). `unsure` is a failure that may come from a file that was left out before it, or from the rehearsal itself.
 */
export type RehearsedFileOutcome =
  | 'done'
  | 'failed'
  | 'locked'
  | 'leftOut'
  | 'late'
  | 'notReached'
  | 'unsure';

/** One pending file in a rehearsal. */
export interface RehearsedFile extends Partial<FileFacts> {
  readonly file: string;
  readonly outcome: RehearsedFileOutcome;
  /** Why it did not run to its end. */
  readonly because?: string;
  /** How long it took; left out when it was not begun. */
  readonly durationMs?: number;
  /** The error as a boot would report it. */
  readonly error?: ErrorRecord;
  /** The sessions that held what the file needs. */
  readonly blockers?: readonly LockBlocker[];
}

/** The pending files of one plugin in a rehearsal. */
export interface RehearsedPlugin {
  readonly id: string;
  /** The tenant whose files were rehearsed: the one with most to do. */
  readonly tenant?: string;
  /** The first end of its files that is not `done` or `leftOut`; `leftOut` when one of them was; else `done`. */
  readonly outcome: RehearsedFileOutcome;
  /** Why nothing of it was rehearsed. */
  readonly because?: string;
  /** Why it could not begin, as a boot would report it. */
  readonly error?: ErrorRecord;
  readonly files: readonly RehearsedFile[];
}

/** Sums up the files of a plugin. */
export function sumUp(files: readonly RehearsedFile[]): RehearsedFileOutcome {
  const outcomes = files.map(({ outcome }) => outcome);
  const stopped = outcomes.find(isBroken);
  return stopped ?? (outcomes.includes('leftOut') ? 'leftOut' : 'done');
}

/** Whether the files behind it are not run, also those of plugins that depend on it. */
export function isBroken(outcome: RehearsedFileOutcome): boolean {
  return outcome !== 'done' && outcome !== 'leftOut';
}

/** Marks files that were not begun. */
export function notReached(files: readonly string[]): readonly RehearsedFile[] {
  return files.map((file) => ({ file, outcome: 'notReached' }));
}
