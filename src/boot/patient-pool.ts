import type { Clock } from '../core/clock.ts';
import { BootError } from '../core/errors.ts';
import type { Tell } from '../core/events.ts';
import type { Phase } from '../core/steps.ts';
import { connectWithPatience } from '../postgres/connection/connect-with-patience.ts';
import type { ClientLike, PoolLike } from '../postgres/connection/connection.ts';

export interface PatienceParts {
  /** `waitingCount` is how many wait for one of its clients. */
  readonly pool: PoolLike & { readonly waitingCount?: number };
  /** Which phase comes to the database. */
  readonly phase: Phase;
  /** How long PostgreSQL may stay away, in ms. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** A connection that takes longer than this, in ms, is worth a word. */
const silentMs = 1_000;

/** The pool for whoever comes to the database first: while there is no connection, it waits and says why. */
export function createPatientPool({ pool, tell, phase, ...patience }: PatienceParts): PoolLike {
  const isBusy = (): boolean => (pool.waitingCount ?? 0) > 0;
  const sayWhy = (): void => {
    const reason = isBusy()
      ? 'every client of the pool is checked out'
      : 'PostgreSQL has not answered yet';
    const nextInMs = Math.max(0, patience.waitMs - silentMs);
    tell({ type: 'boot.waiting', reason, attempt: 1, nextInMs });
  };
  return {
    async connect(): Promise<ClientLike> {
      const keepQuiet = patience.clock.after(silentMs, sayWhy);
      try {
        return await connectWithPatience(pool, {
          ...patience,
          onWaiting: (news) =>
            tell({ type: 'boot.waiting', reason: 'PostgreSQL does not answer', ...news }),
        });
      } catch (error) {
        if (!(error instanceof BootError)) throw error;
        throw isBusy() && error.database === undefined
          ? poolExhausted(error, phase)
          : inPhase(error, phase);
      } finally {
        keepQuiet();
      }
    },
  };
}

function inPhase({ code, message, hint, database, cause }: BootError, phase: Phase): BootError {
  return new BootError(code, message, { phase, hint, database, cause });
}

function poolExhausted(cause: BootError, phase: Phase): BootError {
  return new BootError(cause.code, 'Every client of the pool is checked out, and none came back', {
    phase,
    cause,
    hint: 'Give clients back before the boot, or make the pool larger.',
  });
}
