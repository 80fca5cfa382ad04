import type { Clock } from '../../core/clock.ts';
import { deadlineAfter, untilAborted } from '../../core/patience.ts';

/** How much time a piece of plugin code gets. */
export interface Bounds {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Asks the work to end early. */
  readonly cancel: AbortSignal;
  /** Called with the reason when the work is asked to end early. */
  readonly onCancel: (reason: unknown) => void;
  /** How long it may go on after that. */
  readonly graceMs: number;
  /** Ends all waiting at once: the way down has run out of time. */
  readonly cut: AbortSignal;
}

export type BoundedResult<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'canceled' }
  | {
      readonly status: 'timeout';
      /** Gives the work its grace, and resolves when it has settled or the grace is over. */
      readonly settle: () => Promise<void>;
    };

/** Runs plugin code and always comes back: when it settles, when its time is over, or a grace after it was canceled. */
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

/** Also turns what is thrown before the first await into a result. */
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
    // It does not listen to its signal; its stop handlers are called all the same.
  } finally {
    grace.cancel();
  }
}
