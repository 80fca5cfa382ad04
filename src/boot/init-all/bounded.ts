import type { TaskArgs } from '../../../machines/index.ts';
import type { Clock } from '../../core/clock.ts';
import { isObject } from '../../core/foreign-value.ts';
import { deadlineAfter, untilAborted } from '../../core/patience.ts';

/** The time limits of a piece of plugin code. */
interface Bounds {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Its end asks the work to end early. */
  readonly task: Pick<TaskArgs<unknown>, 'signal' | 'isCanceled'>;
  /** Called with the reason when the work is asked to end early. */
  readonly onCancel: (reason: unknown) => void;
  /** How long it may still run after that, in ms. */
  readonly graceMs: number;
  /** Aborted when the time of the way down is over: ends all waiting at once. */
  readonly cut: AbortSignal;
}

/** What plugin code has come to by itself. */
type Settled<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown };

type BoundedResult<T> =
  | Settled<T>
  | { readonly status: 'canceled' }
  | {
      readonly status: 'timeout';
      /** Resolves when the work has settled, or when its grace is over. */
      readonly settle: () => Promise<void>;
    };

/** Runs plugin code and always resolves: when it settles, when its time is over, or a grace after it was canceled. */
export async function runBounded<T>(
  work: () => T | Promise<T>,
  { clock, timeoutMs, task, onCancel, graceMs, cut }: Bounds,
): Promise<BoundedResult<T>> {
  const running = call(work);
  const isEnded = (): boolean => task.isCanceled || cut.aborted;
  if (!isEnded()) {
    if (!(running instanceof Promise)) return running;
    const timeout = deadlineAfter(clock, timeoutMs);
    try {
      return await untilAborted(running, timeout.signal, task.signal, cut);
    } catch {
      if (!isEnded()) {
        return { status: 'timeout', settle: () => graceFor(running, clock, graceMs, cut) };
      }
    } finally {
      timeout.cancel();
    }
  }
  if (task.isCanceled) onCancel(task.signal.reason);
  await graceFor(running, clock, graceMs, cut);
  return { status: 'canceled' };
}

/** Turns an error into a result. Of work that does not wait, the result is there at once, and needs no time limit. */
function call<T>(work: () => T | Promise<T>): Settled<T> | Promise<Settled<T>> {
  try {
    const value = work();
    // Read once, as `await` does.
    const then: unknown = isObject(value) && Reflect.get(value, 'then');
    if (typeof then !== 'function') return { status: 'done', value: value as T };
    return settle(new Promise((...ends) => void Reflect.apply(then, value, ends)));
  } catch (error) {
    return { status: 'failed', error };
  }
}

async function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { status: 'done', value: await work };
  } catch (error) {
    return { status: 'failed', error };
  }
}

async function graceFor(
  running: unknown,
  clock: Clock,
  graceMs: number,
  cut: AbortSignal,
): Promise<void> {
  const grace = deadlineAfter(clock, graceMs);
  try {
    await untilAborted(running, grace.signal, cut);
  } catch {
    // The work ignores its signal. The stop handlers are called all the same.
  } finally {
    grace.cancel();
  }
}
