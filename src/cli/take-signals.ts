import type { Output } from './output.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Lets the first signal stop the work in good order. The second one ends the process, as it would without a listener.
 *
 * @param listen Adds what stops the work at a signal, and returns a function that removes it.
 * @returns A function that removes all listeners.
 */
export function takeSignals(
  output: Output,
  listen: (signals: readonly NodeJS.Signals[]) => () => void,
): () => void {
  let isStopping = false;
  const take = (signal: NodeJS.Signals): void => {
    if (!isStopping) {
      isStopping = true;
      output.note(`\n  ${signal}: stops everything in good order. Another signal cuts it off.`);
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
