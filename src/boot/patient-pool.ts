import type { Clock } from '../core/clock.ts';
import { BootError, type BootErrorFacts } from '../core/errors.ts';
import type { Tell } from '../core/events.ts';
import type { Phase } from '../core/steps.ts';
import { reasonForWaiting } from '../postgres/connection/connecting-advice.ts';
import { withPatience, type PatientPool } from '../postgres/connection/connect-with-patience.ts';
import type { PoolLike } from '../postgres/connection/connection.ts';

export interface PatienceParts {
  /** `waitingCount` is how many wait for one of its clients. */
  readonly pool: PoolLike & { readonly waitingCount?: number };
  /** Which phase comes to the database. */
  readonly phase: Phase;
  /** Whose migrations; none for what concerns every plugin. */
  readonly plugin?: string;
  /** How long PostgreSQL may stay away, in ms. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** A connection that takes longer than this, in ms, is worth a word. */
const silentMs = 1_000;

/** Makes the pool for work that can wait for PostgreSQL: while there is no connection, it waits and emits why. */
export function createPatientPool({
  pool,
  tell,
  phase,
  plugin,
  ...patience
}: PatienceParts): PatientPool {
  const place = { phase, plugin };
  const isBusy = (): boolean => (pool.waitingCount ?? 0) > 0;
  const sayWhy = (): void => {
    const reason = isBusy()
      ? 'every client of the pool is checked out'
      : 'PostgreSQL has not answered yet';
    const nextInMs = Math.max(0, patience.waitMs - silentMs);
    tell({ type: 'boot.waiting', reason, attempt: 1, nextInMs });
  };
  const patient = withPatience(pool, {
    ...patience,
    onWaiting: (news) =>
      tell({ type: 'boot.waiting', reason: reasonForWaiting(news.error), ...news }),
  });
  return {
    async checkOut() {
      const keepQuiet = patience.clock.after(silentMs, sayWhy);
      try {
        return await patient.checkOut();
      } catch (error) {
        if (!(error instanceof BootError)) throw error;
        throw isBusy() && error.database === undefined
          ? poolExhausted(error, place)
          : inPlace(error, place);
      } finally {
        keepQuiet();
      }
    },
    outlast: patient.outlast,
  };
}

type Place = Pick<BootErrorFacts, 'phase' | 'plugin'>;

function inPlace({ code, message, hint, database, cause }: BootError, place: Place): BootError {
  return new BootError(code, message, { ...place, hint, database, cause });
}

function poolExhausted(cause: BootError, place: Place): BootError {
  return new BootError(
    cause.code,
    'Every client of the pool is checked out, and none was released',
    {
      ...place,
      cause,
      hint: 'Release clients before the boot, or make the pool larger.',
    },
  );
}
