import type { Clock } from '../core/clock.ts';
import { toMilliseconds, type Duration } from '../core/duration.ts';

/** The options of {@link manualClock}. */
export interface ManualClockOptions {
  /**
   * The wall-clock time at which the clock begins, in ms since 1970.
   *
   * @default 1_700_000_000_000, 2023-11-14T22:13:20Z
   */
  readonly now?: number;
}

/** A clock that stands still until a test moves it on. */
export interface ManualClock extends Clock {
  /**
   * Moves the time on, and calls what falls due on the way, in order. Between two moments everything runs that needs no I/O,
   * so that a timer which the first one starts is called too.
   *
   * @example await clock.advance('5s');
   */
  advance(time: Duration): Promise<void>;
  /** Returns the time until each timer that is set, in ms, the next one first. */
  pending(): readonly number[];
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** That of the process, whatever a test puts in its place later. */
const afterAllPromises = setImmediate;

/**
 * Makes a clock for the option `clock` of `createBoot()`, so that a test decides when a time limit, a pause before a retry or a
 * heartbeat is over. It moves the time of Slipway alone: neither that of PostgreSQL, such as `lock_timeout` and `now()`, nor
 * that of plugins which start timers of their own.
 *
 * @example
 * const clock = manualClock();
 * const boot = createBoot({ pool, plugins, clock });
 * const recorder = recordEvents(boot);
 * const started = boot.start();
 * await recorder.next('plugin.init.retrying catalog');
 * await clock.advance('200ms');
 * await started;
 */
export function manualClock({ now = 1_700_000_000_000 }: ManualClockOptions = {}): ManualClock {
  let nowMs = 0;
  let timers: readonly Timer[] = [];

  return {
    now: () => now + nowMs,
    elapsed: () => nowMs,
    after(ms, callback) {
      const timer = { atMs: nowMs + ms, callback };
      // Stable: of two timers of one moment, the one that was set first comes first.
      timers = [...timers, timer].toSorted((a, b) => a.atMs - b.atMs);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(time) {
      const untilMs = nowMs + toMilliseconds(time, 'clock.advance()');
      await settle();
      for (let next = timers[0]; next && next.atMs <= untilMs; next = timers[0]) {
        timers = timers.slice(1);
        nowMs = Math.max(nowMs, next.atMs);
        next.callback();
        await settle();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
    pending: () => timers.map(({ atMs }) => atMs - nowMs),
  };
}

/** Resolves when every promise that needs neither the clock nor I/O has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    afterAllPromises(resolve);
  });
}
