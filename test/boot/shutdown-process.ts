import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { requireBuiltPackage } from '../support/built-package.ts';
import type { ShutdownOrder } from './shutdown-program.ts';
import { runTypeScript } from '../support/run-typescript.ts';

/** A host in a process of its own. */
export interface ShutdownProcess {
  /** The address of its HTTP server. */
  readonly address: string;
  /** All it has said: the names of the boot's events, `drain` and `drained`. */
  readonly said: readonly string[];
  /** Resolves once it has said this, also when it did so before. */
  heard(word: string): Promise<void>;
  /** Lets it go on where it waits. */
  tell(word: 'init' | 'drain' | 'stop'): void;
  send(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const program = fileURLToPath(new URL('./shutdown-program.ts', import.meta.url));

/** Starts the host, and resolves once it listens; it is killed after the test if it is still there. */
export async function startHost(order: ShutdownOrder): Promise<ShutdownProcess> {
  requireBuiltPackage();
  const child = fork(program, [JSON.stringify(order)], { execArgv: [...runTypeScript] });
  const exit = once(child, 'exit').then(
    ([code, signal]) => (signal ?? code) as number | NodeJS.Signals,
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const said: string[] = [];
  const waiting = new Set<() => void>();
  child.on('message', (word: string) => {
    said.push(word);
    for (const look of waiting) look();
  });
  const find = (isIt: (word: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = said.find(isIt);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void exit.then((code) => reject(new Error(`The host ended with ${code}: ${said.join()}`)));
    });
  return {
    address: await find((word) => word.startsWith('http:')),
    said,
    heard: async (word) => void (await find((other) => other === word)),
    tell: (word) => void child.send(word),
    send: (signal) => void child.kill(signal),
    ended: exit,
  };
}
