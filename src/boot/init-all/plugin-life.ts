import { setMaxListeners } from 'node:events';
import type { StopHandler } from '../../core/core-services.ts';
import { toError } from '../../core/error-record.ts';
import { LateSignal } from '../../core/late-signal.ts';
import { untilAborted, type Deadline } from '../../core/patience.ts';
import type { OpenPool } from '../../postgres/connection/connection.ts';
import type { Unreturned } from '../../postgres/scoped/loans.ts';
import type { ScopedPool } from '../../postgres/scoped/scoped-pool.ts';

interface LifeEnd {
  /** The errors of the stop handlers. */
  readonly errors: readonly Error[];
  /** Whether a handler was not waited for to its end. */
  readonly timedOut: boolean;
  /** The clients and queries that the plugin still had after its handlers. They are taken back. */
  readonly unreturned: Unreturned;
}

/**
 * One life of a plugin, from an attempt to init it to its stop: its signal, its stop handlers, its pool, and
 * the argument of its `init`.
 */
export class PluginLife {
  /** The argument of `init`; of `ready` with the plugin's own exports. */
  context: Readonly<Record<string, unknown>> = {};
  /** Waits for an `init` whose time is over, for its grace at most. */
  settle: (() => Promise<void>) | undefined;
  // A plugin may hand it to any number of requests, locks and timers, and Node.js warns of a leak at eleven.
  readonly #end = new LateSignal((signal) => setMaxListeners(0, signal));
  readonly #handlers: StopHandler[] = [];
  readonly #report: (error: Error) => void;
  readonly #pools: ScopedPool[] = [];
  #own: OpenPool | undefined;
  #isUp = false;
  #isOver = false;

  /** @param report Called with the errors of handlers that are no longer waited for. */
  constructor(report: (error: Error) => void) {
    this.#report = report;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Adds a handler. It is called at once when the life is over already. */
  onStop(handler: StopHandler): void {
    if (this.#isOver) this.#abandon(handler);
    else this.#handlers.push(handler);
  }

  /**
   * Takes the clients of a pool back when the life ends. A plugin with tenants has many.
   *
   * @param own The plugin's own connections, to end after that.
   */
  lend(pool: ScopedPool, own?: OpenPool): void {
    this.#pools.push(pool);
    this.#own ??= own;
    // Its plugin goes on, and does not know that it was stopped.
    if (this.#isOver) void pool.takeBack(atOnce);
  }

  /** Marks that `init` has succeeded: from now on its queries get time to end when the plugin stops. */
  markUp(): void {
    this.#isUp = true;
  }

  /** Aborts the signal of the plugin. */
  cancel(reason: unknown): void {
    this.#end.abort(() => reason);
  }

  /**
   * Ends the life: aborts the signal, calls the handlers, last in, first out, and takes the clients of the plugin's pool back.
   * Once the deadline has passed, the remaining handlers are called without waiting for them.
   */
  async end(reason: string, deadline: Pick<Deadline, 'signal'>): Promise<LifeEnd> {
    this.#end.abort(() => new Error(reason));
    this.#isOver = true;
    const errors: Error[] = [];
    let timedOut = false;
    for (let handler = this.#handlers.pop(); handler; handler = this.#handlers.pop()) {
      if (timedOut) {
        this.#abandon(handler);
        continue;
      }
      const call = settle(handler);
      try {
        const error = await untilAborted(call, deadline.signal);
        if (error) errors.push(error);
      } catch {
        timedOut = true;
        void this.#reportLater(call);
      }
    }
    const last = this.#isUp ? deadline : atOnce;
    const taken = await Promise.all(this.#pools.map((pool) => pool.takeBack(last)));
    await this.#own?.end();
    return { errors, timedOut, unreturned: addUp(taken) };
  }

  #abandon(handler: StopHandler): void {
    void this.#reportLater(settle(handler));
  }

  async #reportLater(call: Promise<Error | undefined>): Promise<void> {
    const error = await call;
    if (error) this.#report(error);
  }
}

function addUp(taken: readonly Unreturned[]): Unreturned {
  const sum = { clients: 0, queries: 0 };
  for (const { clients, queries } of taken) {
    sum.clients += clients;
    sum.queries += queries;
  }
  return sum;
}

/** A deadline that has passed. */
const atOnce: Pick<Deadline, 'signal'> = {
  get signal() {
    return AbortSignal.abort();
  },
};

async function settle(handler: StopHandler): Promise<Error | undefined> {
  try {
    await handler();
    return undefined;
  } catch (thrown) {
    return toError(thrown);
  }
}
