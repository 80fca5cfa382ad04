import { BootError } from '../../core/errors.ts';
import type { Phase } from '../../core/steps.ts';
import { readConnectionWait, waitForClient } from '../../postgres/connection/connecting-advice.ts';
import {
  withPatience,
  type ClientSource,
  type PatientPool,
} from '../../postgres/connection/connect-with-patience.ts';
import type { Around } from './around.ts';

/** The work that a connection is for. */
interface ConnectionUse {
  readonly phase: Phase;
  /** The plugin whose migrations run; left out for what concerns every plugin. */
  readonly plugin?: string;
  readonly signal: AbortSignal;
  /**
   * Where it comes from.
   *
   * @default the pool of the migrations itself
   */
  readonly connections?: ClientSource;
}

/** A connection that takes longer than this, in ms, is reported. */
const silentMs = 1_000;

/** Makes the pool for work that can wait for PostgreSQL: while there is no connection, it waits and emits why. */
export function createPatientPool(
  {
    migrationPool,
    settings,
    clock,
    emit,
    sent,
  }: Pick<Around, 'migrationPool' | 'settings' | 'clock' | 'emit' | 'sent'>,
  { signal, connections = migrationPool, ...place }: ConnectionUse,
): PatientPool {
  const waitMs = settings.connect.wait;
  const isBusy = (): boolean => migrationPool.waitingCount > 0;
  const about = {
    type: 'boot.waiting',
    ...(place.plugin !== undefined && { plugin: place.plugin }),
  } as const;
  let hasSaidWhy = false;
  const sayWhy = (): void => {
    // The reason of a refusal says more than that there is no answer.
    if (hasSaidWhy) return;
    const cause = isBusy()
      ? waitForClient
      : ({ kind: 'database', reason: 'PostgreSQL has not answered yet' } as const);
    emit({ ...about, ...cause, attempt: 1, nextInMs: Math.max(0, waitMs - silentMs) });
  };
  const patient = withPatience(connections, {
    waitMs,
    clock,
    signal,
    onStatement: sent.add,
    onWaiting: (waiting) => {
      hasSaidWhy = true;
      emit({ ...about, ...readConnectionWait(waiting.error), ...waiting });
    },
  });
  return {
    ...patient,
    async checkOut() {
      hasSaidWhy = false;
      const keepQuiet = clock.after(silentMs, sayWhy);
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
  };
}

type Place = Omit<ConnectionUse, 'signal' | 'connections'>;

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
