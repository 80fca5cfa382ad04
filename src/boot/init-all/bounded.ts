import type { Clock } from '../../core/clock.ts';
import { deadlineAfter, untilAborted } from '../../core/patience.ts';

/** The time limits of a piece of plugin code. */
interface Bounds {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Asks the work to end early. */
  readonly cancel: AbortSignal;
  /** Called with the reason when the work is asked to end early. */
  readonly onCancel: (reason: unknown) => void;
  /** How long it may still run after that, in ms. */
  readonly graceMs: number;
  /** Aborted when the time of the way down is over: ends all waiting at once. */
  readonly cut: AbortSignal;
}

type BoundedResult<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'canceled' }
  | {
      readonly status: 'timeout';
      /** Resolves when the work has settled, or when its grace is over. */
      readonly settle: () => Promise<void>;
    };

/** Runs plugin code and always resolves: when it settles, when its time is over, or a grace after it was canceled. */
export async function runBounded<T>(
  work: () => T | Promise<T>,
  { clock, timeoutMs, cancel, onCancel, graceMs, cut }: Bounds,
): Promise<BoundedResult<T>> {
  const result = call(work);
  const timeout = deadlineAfter(clock, timeoutMs);
  try {
    return await untilAborted(result, AbortSignal.any([timeout.signal, cancel, cut]));
  } catch {
    if (!cancel.aborted && !cut.aborted) {
      return { status: 'timeout', settle: () => graceFor(result, clock, graceMs, cut) };
    }
    if (cancel.aborted) onCancel(cancel.reason);
    await graceFor(result, clock, graceMs, cut);
    return { status: 'canceled' };
  } finally {
    timeout.cancel();
  }
}

/** Turns an error into a result, also one that is thrown before the first await. */
async function call<T>(work: () => T | Promise<T>): Promise<BoundedResult<T>> {
  try {
    return { status: 'done', value: await work() };
  } catch (error) {
    return { status: 'failed', error };
  }
}

async function graceFor(
  result: Promise<unknown>,
  clock: Clock,
  graceMs: number,
  cut: AbortSignal,
): Promise<void> {
  const grace = deadlineAfter(clock, graceMs);
  try {
    await untilAborted(result, AbortSignal.any([grace.signal, cut]));
  } catch {
    // The work ignores its signal. The stop handlers are called all the same.
  } finally {
    grace.cancel();
  }
}
