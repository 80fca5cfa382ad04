/** The modes of locks on a relation as `pg_locks` writes them, the weakest first. */
const modes = {
  AccessShareLock: ['ACCESS SHARE', 'none'],
  RowShareLock: ['ROW SHARE', 'none'],
  RowExclusiveLock: ['ROW EXCLUSIVE', 'none'],
  ShareUpdateExclusiveLock: ['SHARE UPDATE EXCLUSIVE', 'none'],
  ShareLock: ['SHARE', 'writers'],
  ShareRowExclusiveLock: ['SHARE ROW EXCLUSIVE', 'writers'],
  ExclusiveLock: ['EXCLUSIVE', 'writers'],
  AccessExclusiveLock: ['ACCESS EXCLUSIVE', 'readers'],
} as const satisfies Readonly<Record<string, readonly [string, 'none' | 'writers' | 'readers']>>;

const inOrder = Object.values(modes);

/**
 * The mode of a lock on a table, as PostgreSQL's manual writes it:
 * https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
 */
export type LockMode = (typeof inOrder)[number][0];

/** Returns how strong a mode of `pg_locks` is; 0 for one that is not known. */
export function strengthOf(mode: string): number {
  return Object.keys(modes).indexOf(mode) + 1;
}

/** Compares two modes for a list with the strongest first. */
export function compareModes(one: LockMode, other: LockMode): number {
  const placeOf = (mode: LockMode): number => inOrder.findIndex(([each]) => each === mode);
  return placeOf(other) - placeOf(one);
}

/** Returns the mode of this strength, and whose queries wait for it. */
export function modeOf(strength: number): {
  readonly mode: LockMode;
  readonly blocks: 'none' | 'writers' | 'readers';
} {
  const [mode, blocks] = inOrder[strength - 1] ?? modes.AccessShareLock;
  return { mode, blocks };
}
