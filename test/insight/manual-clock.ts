import type { Clock } from '../../src/core/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it on. Between two timers everything that can happen has happened. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: readonly Timer[] = [];

  now(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    // Stable: of two timers of one moment, the one that was set first comes first.
    this.#timers = [...this.#timers, timer].toSorted((a, b) => a.atMs - b.atMs);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves the time on, from timer to timer, until `isOver` or until no timer is left. */
  async run(isOver: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    await settle();
    for (let next = this.#timers[0]; next && !isOver(); next = this.#timers[0]) {
      if (next.atMs > untilMs) break;
      this.#timers = this.#timers.slice(1);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
  }
}

/** Resolves when everything that can happen without the clock has happened. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
