/** PostgreSQL's locks on tables, the weakest first: https://www.postgresql.org/docs/current/explicit-locking.html */
export const lockModes = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;

export type LockMode = (typeof lockModes)[number];

/** A lock that a command is known to take; without a relation, on something that its text does not name. */
export interface CommandLock {
  readonly lock: LockMode;
  readonly relation?: string;
}

/** The strongest of the locks on each relation, in the order in which the relations come first. */
export function strongestOfEach<Lock extends CommandLock>(locks: readonly Lock[]): readonly Lock[] {
  const strongest = new Map<string | undefined, Lock>();
  for (const each of locks) {
    const known = strongest.get(each.relation);
    if (!known || strengthOf(each) > strengthOf(known)) strongest.set(each.relation, each);
  }
  return [...strongest.values()];
}

function strengthOf({ lock }: CommandLock): number {
  return lockModes.indexOf(lock);
}
