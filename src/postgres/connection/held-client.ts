import { untilAborted } from '../../core/patience.ts';
import type { ClientLike, PoolLike } from './connection.ts';

/** A client that is out of its pool. */
export interface HeldClient {
  readonly client: ClientLike;
  /** The backend that a migration has found on it; `undefined` before the first. */
  backendPid: number | undefined;
  /** Whether the host had run nothing on it when it was first checked out here, so that its session was as new. */
  readonly wasNew: boolean;
  /** Why the client is broken. pg emits that once, to those who listen at that moment. */
  readonly firstError: Error | undefined;
  /** @param destroy The pool destroys the client rather than keep it. */
  giveBack(destroy?: boolean | Error): void;
  /** Ends the use of a client whose session is as new, although the pool must not have it again. */
  handOver(): void;
}

/** By client: pg says only whether any query has run or waits. */
const newAtFirst = new WeakMap<ClientLike, boolean>();

/** A pool may set up each new connection (`SET ROLE` in a `connect` listener), and its users may have changed the session. */
function isNew(client: ClientLike): boolean {
  const { hasExecuted = false, _queryQueue: waiting = [] } = client as {
    readonly hasExecuted?: boolean;
    readonly _queryQueue?: readonly unknown[];
  };
  const known = newAtFirst.get(client) ?? (!hasExecuted && waiting.length === 0);
  newAtFirst.set(client, known);
  return known;
}

/**
 * A client of a pool. Its `error` listener and what that has heard belong to this one checkout: the next holder of the same
 * client has its own, which nothing here can take away.
 */
class CheckedOut implements HeldClient {
  readonly client: ClientLike;
  backendPid: number | undefined;
  readonly wasNew: boolean;
  readonly #release: ClientLike['release'];
  #firstError: Error | undefined;
  readonly #remember = (error: Error): void => {
    this.#firstError ??= error;
  };

  constructor(client: ClientLike) {
    this.client = client;
    this.wasNew = isNew(client);
    // A scoped client gets another `release` for its user; this is the one of the pool.
    this.#release = client.release.bind(client);
    client.on?.('error', this.#remember);
  }

  get firstError(): Error | undefined {
    return this.#firstError;
  }

  /**
   * The listener goes first: inside of `release()` pg-pool hands the client to the next caller that waits, and a listener
   * that is taken off later may be the only one of that caller. Nothing can come in between, because all of it is one tick.
   */
  giveBack(destroy?: boolean | Error): void {
    this.client.off?.('error', this.#remember);
    if (destroy === undefined || destroy === false) this.#release();
    else this.#release(destroy);
  }

  /** No migration takes it over. */
  handOver(): void {
    this.giveBack(true);
  }
}

/**
 * Takes a client out of the pool and gives it an `error` listener before anything else can happen. pg's promise resolves
 * some ticks after the pool took its own listener away, and an error in between would end the process; its callback runs
 * in the same tick. A pool that knows no callbacks answers with the promise.
 */
export function checkOut(pool: PoolLike): Promise<HeldClient> {
  const connect = pool.connect.bind(pool) as (
    callback: (error: Error | undefined, client: ClientLike | undefined) => void,
  ) => Promise<ClientLike> | undefined;
  return new Promise((resolve, reject) => {
    let held: HeldClient | undefined;
    const take = (client: ClientLike): void => resolve((held ??= new CheckedOut(client)));
    connect((error, client) => {
      if (client) take(client);
      else reject(error ?? new Error('The pool gave no client'));
    })?.then(take, reject);
  });
}

/**
 * {@link checkOut} that does not wait for a busy pool or a silent server once `signal` is aborted: the client goes back by
 * itself when it arrives after all.
 *
 * @throws the signal's reason
 */
export async function checkOutUnlessAborted(
  pool: PoolLike,
  signal: AbortSignal,
): Promise<HeldClient> {
  signal.throwIfAborted();
  const arriving = checkOut(pool);
  try {
    return await untilAborted(arriving, signal);
  } catch (error) {
    void arriving.then(
      (held) => held.giveBack(),
      () => undefined,
    );
    throw error;
  }
}
