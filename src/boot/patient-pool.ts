import type { Clock } from '../core/clock.ts';
import type { Tell } from '../core/events.ts';
import { connectWithPatience } from '../postgres/connect-with-patience.ts';
import type { PoolLike } from '../postgres/connection.ts';

export interface PatienceParts {
  readonly pool: PoolLike;
  /** How long PostgreSQL may stay away, in ms. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** The pool for whoever comes to the database first: while PostgreSQL does not answer, it waits and says so. */
export function createPatientPool({ pool, tell, ...patience }: PatienceParts): PoolLike {
  return {
    connect: () =>
      connectWithPatience(pool, {
        ...patience,
        onWaiting: (news) =>
          tell({ type: 'boot.waiting', reason: 'PostgreSQL does not answer', ...news }),
      }),
  };
}
