import { setMaxListeners } from 'node:events';
import type { StopHandler } from '../../core/core-services.ts';
import { toError } from '../../core/error-record.ts';
import { untilAborted } from '../../core/patience.ts';
import type { Unreturned } from '../../postgres/scoped/loans.ts';
import type { ScopedPool } from '../../postgres/scoped/scoped-pool.ts';

export interface LifeEnd {
  /** What the stop handlers threw. */
  readonly errors: readonly Error[];
  /** Whether a handler was given up. */
  readonly timedOut: boolean;
  /** What the plugin had out of its pool after its handlers; it is taken back. */
  readonly unreturned: Unreturned;
}

/**
 * One life of a plugin, from an attempt to init it to its stop: its signal, and what is to be done when it ends.
 */
export class PluginLife {
  readonly #controller = new AbortController();
  readonly #handlers: StopHandler[] = [];
  readonly #report: (error: Error) => void;
  #pool: ScopedPool | undefined;
  #isUp = false;
  #isOver = false;

  /** @param report Hears of errors that come when nobody waits for them any more. */
  constructor(report: (error: Error) => void) {
    // The plugin hands it on to as many requests and queries as it likes.
    setMaxListeners(0, this.#controller.signal);
    this.#report = report;
    // A plugin may hold any number of locks, requests and timers that end with it, and Node.js warns of a leak at eleven.
    setMaxListeners(0, this.signal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Adds a handler; when the life is over already, it is called at once, so that what it holds is let go. */
  onStop(handler: StopHandler): void {
    if (this.#isOver) this.#abandon(handler);
    else this.#handlers.push(handler);
  }

  /** Has the clients of this pool taken back when the life ends. */
  lend(pool: ScopedPool): void {
    this.#pool = pool;
  }

  /** Its `init` has succeeded: what it does on the database now is worth a moment at the end. */
  markUp(): void {
    this.#isUp = true;
  }

  /** Asks the plugin to give up. */
  cancel(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /**
   * Ends the life: aborts the signal, calls the handlers, last in, first out, and takes back what is out of the plugin's pool.
   * Once `deadline` is aborted the rest of them is called without waiting.
   */
  async end(reason: unknown, deadline: AbortSignal): Promise<LifeEnd> {
    this.cancel(reason);
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
        const error = await untilAborted(call, deadline);
        if (error) errors.push(error);
      } catch {
        timedOut = true;
        void this.#reportLater(call);
      }
    }
    const unreturned = await this.takeBack(this.#isUp ? deadline : AbortSignal.abort());
    return { errors, timedOut, unreturned };
  }

  /** Takes back what is out of the plugin's pool. What it still does on the database may end until `deadline` is aborted. */
  async takeBack(deadline: AbortSignal): Promise<Unreturned> {
    return (await this.#pool?.takeBack(deadline)) ?? { clients: 0, queries: 0 };
  }

  #abandon(handler: StopHandler): void {
    void this.#reportLater(settle(handler));
  }

  async #reportLater(call: Promise<Error | undefined>): Promise<void> {
    const error = await call;
    if (error) this.#report(error);
  }
}

async function settle(handler: StopHandler): Promise<Error | undefined> {
  try {
    await handler();
    return undefined;
  } catch (thrown) {
    return toError(thrown);
  }
}
