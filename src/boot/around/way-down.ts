import { roundMs } from '../../core/duration.ts';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../core/clock.ts';
import { toError } from '../../core/error-record.ts';
import { untilAborted } from '../../core/patience.ts';

type Drain = (cut: AbortSignal) => unknown;

/**
 * The way down: its drains, and its time limit. The limit begins once, with the first reason to go down; at its end `cut` is
 * aborted.
 */
export class WayDown {
  readonly #clock: Clock;
  readonly #totalMs: number;
  readonly #cut = new AbortController();
  readonly #drains = new Set<Drain>();
  #drained: Promise<readonly Error[]> | undefined;
  #reason: string | undefined;
  #begunAt = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, totalMs: number) {
    // Every plugin, client and wait of a boot listens to it: many of them are no leak.
    setMaxListeners(0, this.#cut.signal);
    this.#clock = clock;
    this.#totalMs = totalMs;
  }

  /** Aborted when the time is over: from then on nothing is waited for. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Why the boot goes down; `undefined` before it does. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** @returns Whether this call was the first. */
  begin(reason: string): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    this.#begunAt = this.#clock.elapsed();
    this.#cancelTimer = this.#clock.after(this.#totalMs, () =>
      this.#cut.abort(new Error(`the shutdown took longer than stop.total (${this.#totalMs} ms)`)),
    );
    return true;
  }

  /** Stops the timer. Returns how long the way down took, in ms. */
  end(): number {
    this.#cancelTimer?.();
    return this.#reason === undefined ? 0 : roundMs(this.#clock.elapsed() - this.#begunAt);
  }

  /** Adds work of the host to finish before any plugin is stopped. Returns a function that removes it. */
  addDrain(drain: Drain): () => void {
    this.#drains.add(drain);
    return () => void this.#drains.delete(drain);
  }

  /** Runs all drains side by side, once, and resolves with their errors. Drains that hang are waited for until `cut`. */
  drain(): Promise<readonly Error[]> {
    this.#drained ??= runAll([...this.#drains], this.cut);
    return this.#drained;
  }
}

async function runAll(drains: readonly Drain[], cut: AbortSignal): Promise<readonly Error[]> {
  const results = await Promise.allSettled(
    drains.map((drain) => untilAborted((async () => drain(cut))(), cut)),
  );
  return results.flatMap((result) =>
    result.status === 'rejected' ? [toError(result.reason)] : [],
  );
}
