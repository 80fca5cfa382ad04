import type { Clock } from './clock.ts';
import { LateSignal } from './late-signal.ts';

/**
 * Calls `listener` once `signal` is aborted, at once if it already is.
 *
 * @returns A function that removes the listener. The `signal` option of `addEventListener` cannot do that reliably. When one
 *   target has several listeners with it, Node.js keeps only the last one's removal alive, and the other listeners stay once
 *   the garbage collector has run (`kWeakHandler` in its lib/internal/event_target.js).
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/**
 * Waits for `work` until one of the signals is aborted. Then it rejects with the signal's reason, and the result of the work is
 * ignored. A listener on each costs a tenth of `AbortSignal.any`.
 */
export async function untilAborted<T>(
  work: Promise<T> | T,
  ...signals: readonly AbortSignal[]
): Promise<T> {
  const leaves: (() => void)[] = [];
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      leaves.push(onAbort(signal, () => reject(signal.reason as Error)));
    }
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    for (const leave of leaves) leave();
  }
}

/**
 * Calls `use` with a signal that is aborted with any of these. `AbortSignal.any` would stay on a signal that lives as long as
 * the plugin, once for every lock it ever takes.
 */
export async function withEither<T>(
  signals: readonly AbortSignal[],
  use: (either: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const leaving = signals.map((signal) => onAbort(signal, () => either.abort(signal.reason)));
  try {
    return await use(either.signal);
  } finally {
    for (const leave of leaving) leave();
  }
}

/** Waits `ms`; rejects with the signal's reason when it is aborted first. */
export async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const deadline = deadlineAfter(clock, ms);
  try {
    await untilAborted(
      new Promise<void>((resolve) => {
        deadline.signal.addEventListener('abort', () => resolve(), { once: true });
      }),
      signal,
    );
  } finally {
    deadline.cancel();
  }
}

/** The pauses between attempts: each is twice as long as the one before, up to the longest. In ms. */
interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Returns how long to pause after an attempt, which counts from 1. */
export function growPause(attempt: number, { firstMs, longestMs }: Pauses): number {
  return Math.min(firstMs * 2 ** (attempt - 1), longestMs);
}

/** Shortens a pause by up to a half, at random, so that processes that wait for the same do not try in the same moment. */
export function spread(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

/** A time limit. Its signal is made when it is first read, and aborted when the time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Clears the timer. */
  cancel(): void;
}

/** @param cut Ends the time early, when it is aborted. */
export function deadlineAfter(clock: Clock, ms: number, cut?: AbortSignal): Deadline {
  const end = new LateSignal();
  const clearTimer = clock.after(ms, () =>
    end.abort(() => new Error(`the deadline of ${Math.round(ms)} ms has passed`)),
  );
  let leave = (): void => undefined;
  let isRead = false;
  return {
    get signal() {
      if (cut && !isRead) leave = onAbort(cut, () => end.abort(() => cut.reason));
      isRead = true;
      return end.signal;
    },
    cancel() {
      clearTimer();
      leave();
    },
  };
}
