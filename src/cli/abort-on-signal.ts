import type { ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const satisfies Readonly<
  Record<string, ExitCode>
>;

/**
 * Aborts the signal of `use` when the process gets a signal, so that it can end in good order, and sets the exit code. The second
 * one ends the process, as it would without a listener.
 *
 * @param notice What to say at the first one.
 */
export async function abortOnSignal<T>(
  output: Output,
  notice: string,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  const take = (name: keyof typeof exitCodes): void => {
    if (!stop.signal.aborted) {
      output.note(`\n  ${name}: ${notice} Another signal cuts it off.`);
      process.exitCode = exitCodes[name];
      stop.abort(new Error(`the process got ${name}`));
      return;
    }
    ignore();
    process.kill(process.pid, name);
  };
  const ignore = (): void => {
    for (const name of names) process.off(name, take);
  };
  for (const name of names) process.on(name, take);
  try {
    return await use(stop.signal);
  } finally {
    ignore();
  }
}
