import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { requireBuiltPackage } from './built-package.ts';
import { runTypeScript } from './run-typescript.ts';

/** An example at work, as a user starts it. */
export interface ExampleProcess {
  /** The lines on standard output so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line from `from` on that matches, also when it came before. Rejects when the process ends without it. */
  readonly heard: (pattern: RegExp, from?: number) => Promise<string>;
  /** Resolves with the address of its server once it listens; `from` as above. */
  readonly address: (from?: number) => Promise<string>;
  send(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** All that it wrote to standard error, once it has ended. */
  readonly errors: Promise<string>;
}

/** How an example is started. */
export interface ExampleStart {
  readonly databaseUrl: string;
  /** @default '0', a free one */
  readonly port?: string;
  /**
   * The arguments for Node.js before the program.
   *
   * @default those that run TypeScript
   */
  readonly node?: readonly string[];
  /** @default docs/examples */
  readonly folder?: string;
}

/** The folder of all examples. */
export const examples = fileURLToPath(new URL('../../docs/examples/', import.meta.url));

/** Starts an example. It is killed after the test if it is still there. */
export function startExample(
  program: string,
  { databaseUrl, port = '0', node = runTypeScript, folder = examples }: ExampleStart,
): ExampleProcess {
  requireBuiltPackage();
  const { PATH } = process.env;
  const child = spawn(process.execPath, [...node, program], {
    cwd: folder,
    env: { PATH, DATABASE_URL: databaseUrl, PORT: port, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors = text(child.stderr);
  const ended = once(child, 'close').then(
    ([code, signal]) => (signal ?? code) as number | NodeJS.Signals,
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const heard: ExampleProcess['heard'] = (pattern, from = 0) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.slice(from).find((line) => pattern.test(line));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void Promise.all([ended, errors]).then(([code, wrong]) =>
        reject(new Error(`${program} ended with ${code}:\n${lines.join('\n')}\n${wrong}`)),
      );
    });
  const portOf = /"?port"?: ?(\d+)/;
  return {
    lines,
    heard,
    address: async (from) =>
      `http://127.0.0.1:${portOf.exec(await heard(portOf, from))?.[1] ?? 'none'}`,
    send: (signal) => void child.kill(signal),
    ended,
    errors,
  };
}
