/** The holder of a migration lock. Unknown parts are left out; `ageMs` is the age of its connection. */
export interface LockHolder {
  readonly pid?: number;
  readonly applicationName?: string;
  readonly host?: string;
  readonly ageMs?: number;
  /** The state that PostgreSQL reports: `active`, `idle in transaction` … */
  readonly state?: string;
  /** The age of its transaction. */
  readonly transactionMs?: number;
  /** The session that it waits for itself; left out when it waits for none. */
  readonly waitsFor?: LockBlocker;
}

/** A session that was in the way of a migration. Unknown parts are left out. */
export interface LockBlocker {
  readonly pid: number;
  readonly applicationName?: string;
  /** The relation that it has locked. */
  readonly relation?: string;
  /** The state that PostgreSQL reports: `active`, `idle in transaction` … */
  readonly state?: string;
  /** The age of its transaction. */
  readonly transactionMs?: number;
}

/** The reasons why a step waits. The list is closed. */
export const waitKinds = [
  /** For the step of a plugin that comes first. */
  'dependency',
  /** For the end of the survey, of every migration, or of every init: nothing of this step may begin before it. */
  'gate',
  /** For one of the slots that `concurrency` allows. */
  'slot',
  /** For a client of the pool. */
  'connection',
  /** For a migration lock that another process holds. */
  'lock',
  /** For the next attempt. */
  'retry',
  /** For a PostgreSQL that does not answer, or that writes migrations to its disk. */
  'database',
] as const;
/** The reason why a step waits. */
export type WaitKind = (typeof waitKinds)[number];

/** A wait that goes on. */
export interface Wait {
  readonly kind: WaitKind;
  readonly forMs: number;
  /** The plugins that are waited for: they come first, hold the slots, or keep the gate closed. */
  readonly plugins?: readonly string[];
  /** The holder of the lock. */
  readonly holder?: LockHolder;
  /** The sessions in the way of the last attempt. */
  readonly blockers?: readonly LockBlocker[];
  /** The reason in words, where there is more to say: the error of the last attempt, or why there is no connection. */
  readonly reason?: string;
}
