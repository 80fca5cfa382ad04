import type { Step } from './steps.ts';
import type { LockBlocker, Wait } from './waits.ts';

/** How far a statement is in one of its phases, as PostgreSQL reports it. */
export interface StatementProgress {
  /** In PostgreSQL's words: `building index: scanning table`. */
  readonly phase: string;
  /** The index that is built; left out while no other session can see it. */
  readonly index?: string;
  /** The table that is worked on. */
  readonly relation?: string;
  /** How much of this phase is done; left out where PostgreSQL does not count. */
  readonly done?: number;
  /** How much there is to do in this phase; left out where PostgreSQL does not know. */
  readonly total?: number;
  /** The things that are counted; `sessions` are those that are waited for. */
  readonly unit?: 'blocks' | 'tuples' | 'bytes' | 'sessions';
  /** Of this phase, rounded down. */
  readonly percent?: number;
  /** How long this phase takes from now on, at its speed so far; left out until that is known. */
  readonly etaMs?: number;
}

/** Sessions that wait for one lock of a migration, directly or behind others that do. */
export interface SessionsBehind {
  /** The statement that took the lock, where that is known; counts from 1. */
  readonly statement?: number;
  /** The keywords that it begins with. */
  readonly command?: string;
  /** The table; left out when they wait for the transaction of the migration itself. */
  readonly relation?: string;
  /** The mode of the migration's lock: `ACCESS EXCLUSIVE`; left out for a lock of rows. */
  readonly mode?: string;
  /** How long the migration has had the lock at most; left out while it waits for the lock itself. */
  readonly heldMs?: number;
  readonly sessions: number;
  /** How long the one that has waited longest has waited so far. */
  readonly longestMs: number;
  /** The names of their applications, the commonest first; at most 5. */
  readonly applicationNames: readonly string[];
}

/** What another connection saw of a migration file that runs, at one moment. What is not known is left out. */
export interface StatementLook {
  readonly progress?: StatementProgress;
  /** The sessions that the statement waits for. */
  readonly blockers?: readonly LockBlocker[];
  /** The sessions that wait for the migration; one entry for each lock, the most sessions first. */
  readonly behind?: readonly SessionsBehind[];
}

/** The file and the statement that run now. */
export interface RunningStatement extends StatementLook {
  readonly file: string;
  /** The tenant that it is applied for; left out for a plugin without tenants. */
  readonly tenant?: string;
  /** The place of the file among those that are pending; counts from 1. */
  readonly index: number;
  readonly of: number;
  /** Counts from 1; left out while Slipway itself is at work on the file. */
  readonly statement?: number;
  /** How many the file has; left out for a function, which does not say. */
  readonly statements?: number;
  /** The first line of the statement in the file; left out for a function. */
  readonly line?: number;
  /** The keywords that the statement begins with: `CREATE INDEX CONCURRENTLY`. */
  readonly command?: string;
  /** How long the statement has run, or else the file. */
  readonly forMs: number;
}

/** A step that has begun, and for how long; one that waits for its lock or for its next attempt counts as well. */
export interface RunningStep {
  readonly plugin: string;
  readonly step: Step;
  readonly forMs: number;
  /** How long it takes as a rule; left out without a history of boots. */
  readonly usualMs?: number;
  /** Left out while it works. */
  readonly wait?: Wait;
  /**
   * The migration file that it applies; left out between two files and for other steps. Of tenants that migrate side by side, it
   * is the one that has run longest; left out when that is less than a second.
   */
  readonly file?: RunningStatement;
}
