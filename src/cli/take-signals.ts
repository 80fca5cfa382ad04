import { constants } from 'node:os';
import type { ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;

type Signal = (typeof signals)[number];

interface TakingSignals {
  /** What is said at the first signal: `stops everything in good order.` */
  readonly notice: string;
  /** Adds what stops the work at a signal, and returns a function that removes it. */
  readonly listen: (signals: readonly Signal[]) => () => void;
}

/**
 * Lets the first signal stop the work in good order. The second one ends the process, as it would without a listener.
 *
 * @returns A function that removes all listeners.
 */
export function takeSignals(output: Output, { notice, listen }: TakingSignals): () => void {
  let isStopping = false;
  const take = (signal: Signal): void => {
    if (!isStopping) {
      isStopping = true;
      output.note(`\n  ${signal}: ${notice} Another signal cuts it off.`);
      return;
    }
    output.note(`\n  ${signal}: cut off. PostgreSQL rolls back what was not committed.`);
    ignore();
    process.kill(process.pid, signal);
  };
  // It says so before the work begins to stop.
  for (const signal of signals) process.on(signal, take);
  const leave = listen(signals);
  const ignore = (): void => {
    leave();
    for (const signal of signals) process.off(signal, take);
  };
  return ignore;
}

/** The reason of the signal that {@link abortOnSignal} aborts. */
export class Interrupted extends Error {
  readonly exitCode: ExitCode;

  constructor(signal: Signal) {
    super(`the process got ${signal}`);
    this.exitCode = (128 + constants.signals[signal]) as ExitCode;
  }
}

/**
 * Aborts the signal of `use` when the process gets one, with an {@link Interrupted}. When `use` throws then, the exit code is
 * that of the signal.
 */
export async function abortOnSignal<T>(
  output: Output,
  notice: string,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const abort = (signal: Signal): void => stop.abort(new Interrupted(signal));
  const ignore = takeSignals(output, {
    notice,
    listen: () => {
      for (const signal of signals) process.on(signal, abort);
      return () => signals.forEach((signal) => process.off(signal, abort));
    },
  });
  try {
    return await use(stop.signal);
  } catch (error) {
    if (stop.signal.reason instanceof Interrupted) process.exitCode = stop.signal.reason.exitCode;
    throw error;
  } finally {
    ignore();
  }
}
