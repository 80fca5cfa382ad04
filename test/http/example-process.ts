import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { requireBuiltPackage } from '../support/built-package.ts';
import { runTypeScript } from '../support/run-typescript.ts';

/** An example at work, as a user starts it. */
export interface ExampleProcess {
  /** Where it listens. */
  readonly address: string;
  send(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** All that it wrote to standard error, once it has ended. */
  readonly errors: Promise<string>;
}

const folder = fileURLToPath(new URL('../../docs/examples/http/', import.meta.url));

/** Starts one of the examples on a free port, and resolves when it listens; it is killed after the test if it is still there. */
export async function startExample(name: string, databaseUrl: string): Promise<ExampleProcess> {
  requireBuiltPackage();
  const child = spawn(process.execPath, [...runTypeScript, `${folder}${name}.ts`], {
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors = text(child.stderr);
  const ended = once(child, 'exit').then(
    ([code, signal]) => (signal ?? code) as number | NodeJS.Signals,
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const early = ended.then(async (code) => {
    throw new Error(`The example ended with ${code} before it listened: ${await errors}`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), early])) as [
    string,
  ];
  early.catch(() => undefined);
  const { port } = JSON.parse(line.slice(line.indexOf('{'))) as { readonly port: number };
  return {
    address: `http://127.0.0.1:${port}`,
    send: (signal) => void child.kill(signal),
    ended,
    errors,
  };
}
