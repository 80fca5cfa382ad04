import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { packageRoot, requireBuiltPackage } from './built-package.ts';
import type { RunOnceOrder, RunOnceReport } from './run-once-program.ts';
import { runTypeScript } from './run-typescript.ts';

/** A Node.js process that boots a plugin with work to run once. */
export interface RunOnceProcess {
  readonly pid: number;
  /** Boots, calls `runOnce()`, and stops. Returns the outcome of the call. Rejects when the process ends first. */
  carryOut(order: RunOnceOrder): Promise<string>;
  /** Resolves when its work has begun. Call it before the order. */
  began(): Promise<this>;
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL('./run-once-program.ts', import.meta.url));

/** Starts a process on the built package, and resolves when it takes orders. It is killed after the test. */
export async function startRunOnceProcess(): Promise<RunOnceProcess> {
  requireBuiltPackage();
  const child = fork(program, { cwd: packageRoot, execArgv: [...runTypeScript] });
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const gone = ended.then(([code, signal]): never => {
    throw new Error(`The process ended with ${signal ?? code}`);
  });
  gone.catch(() => undefined);
  const hear = <Kind extends RunOnceReport['kind']>(kind: Kind) => {
    type Heard = Extract<RunOnceReport, { readonly kind: Kind }>;
    const heard = new Promise<Heard>((resolve) => {
      const listen = (report: RunOnceReport): void => {
        if (report.kind !== kind) return;
        child.off('message', listen);
        resolve(report as Heard);
      };
      child.on('message', listen);
    });
    return Promise.race([heard, gone]);
  };

  await hear('up');
  const self: RunOnceProcess = {
    pid: child.pid ?? 0,
    async carryOut(order) {
      const end = hear('ended');
      child.send(order);
      return (await end).outcome;
    },
    began: async () => {
      await hear('began');
      return self;
    },
    kill,
  };
  return self;
}
