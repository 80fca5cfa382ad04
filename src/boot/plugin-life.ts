import { setMaxListeners } from 'node:events';
import type { StopHandler } from '../core/core-services.ts';
import { toError } from '../core/error-record.ts';
import { untilAborted } from '../core/patience.ts';

export interface LifeEnd {
  /** What the stop handlers threw. */
  readonly errors: readonly Error[];
  /** Whether a handler was given up. */
  readonly timedOut: boolean;
}

/**
 * One life of a plugin, from an attempt to init it to its stop: its signal, and what is to be done when it ends.
 */
export class PluginLife {
  readonly #controller = new AbortController();
  readonly #handlers: StopHandler[] = [];
  readonly #report: (error: Error) => void;
  #isOver = false;

  /** @param report Hears of errors that come when nobody waits for them any more. */
  constructor(report: (error: Error) => void) {
    // The plugin hands it on to as many requests and queries as it likes.
    setMaxListeners(0, this.#controller.signal);
    this.#report = report;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Adds a handler; when the life is over already, it is called at once, so that what it holds is let go. */
  onStop(handler: StopHandler): void {
    if (this.#isOver) this.#abandon(handler);
    else this.#handlers.push(handler);
  }

  /** Asks the plugin to give up. */
  cancel(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /**
   * Ends the life: aborts the signal and calls the handlers, last in, first out. Once `deadline` is aborted the rest of them
   * is called without waiting.
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
    return { errors, timedOut };
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
