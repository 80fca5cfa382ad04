import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { BootEvent, BootEventName, BootEventOf, BootReport } from '../../src/index.ts';
import { packageRoot, requireBuiltPackage } from './built-package.ts';
import { runTypeScript } from './run-typescript.ts';

/** The plugins that a process boots, and its database. It is plain data, because it is sent to the process. */
export interface BootOrder {
  readonly url: string;
  readonly plugins: readonly OrderedPlugin[];
}

/** A plugin that provides `<id>.api`, and needs the APIs of the plugins in `needs`. */
export interface OrderedPlugin {
  readonly id: string;
  readonly migrations?: string;
  /** A folder of repeatable files, which needs `migrations` beside it. */
  readonly repeatable?: string;
  readonly schemas?: readonly string[];
  readonly needs?: readonly string[];
  readonly tenantNames?: readonly string[];
}

/** A message from the process. */
export type Report =
  | { readonly kind: 'up' }
  | { readonly kind: 'event'; readonly event: BootEvent }
  | { readonly kind: 'ended'; readonly report: BootReport };

/** A Node.js process that boots what its parent orders: one order after another, or several at once with mixed events. */
export interface BootProcess {
  /** Every event of the order that runs, or of the last one. Errors are lost in the message; the report has them. */
  readonly events: readonly BootEvent[];
  /** Boots and stops. Returns the report, also of a boot that failed. Rejects when the process ends first. */
  carryOut(order: BootOrder): Promise<BootReport>;
  /** Resolves with the next event of that name. Call it before the event happens. */
  next<Name extends BootEventName>(name: Name): Promise<BootEventOf<Name>>;
  /** Sends SIGKILL, so that the process cannot clean up. Resolves when the process has ended. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL('./boot-program.ts', import.meta.url));

/** Starts a process on the built package, and resolves when it takes orders. It is killed after the test. */
export async function startBootProcess(): Promise<BootProcess> {
  requireBuiltPackage();
  const child = fork(program, { cwd: packageRoot, execArgv: [...runTypeScript] });
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);

  let events: BootEvent[] = [];
  const listeners = new Set<(report: Report) => void>();
  child.on('message', (report: Report) => {
    if (report.kind === 'event') events.push(report.event);
    for (const listener of listeners) listener(report);
  });
  const gone = ended.then(([code, signal]): never => {
    throw new Error(`The boot process ended with ${signal ?? code}`);
  });
  gone.catch(() => undefined);
  /** Resolves with the first value that `choose` returns for a later report. */
  const hear = <T>(choose: (report: Report) => T | undefined): Promise<T> => {
    const heard = new Promise<T>((resolve) => {
      const listen = (report: Report): void => {
        const chosen = choose(report);
        if (chosen === undefined) return;
        listeners.delete(listen);
        resolve(chosen);
      };
      listeners.add(listen);
    });
    return Promise.race([heard, gone]);
  };

  await hear(({ kind }) => (kind === 'up' ? true : undefined));
  return {
    get events() {
      return events;
    },
    carryOut(order) {
      events = [];
      const report = hear((said) => (said.kind === 'ended' ? said.report : undefined));
      child.send(order);
      return report;
    },
    next: <Name extends BootEventName>(name: Name) =>
      hear((said) =>
        said.kind === 'event' && isCalled(said.event, name) ? said.event : undefined,
      ),
    kill,
  };
}

/** Starts several processes at once. */
export function startBootProcesses(count: number): Promise<readonly BootProcess[]> {
  return Promise.all(Array.from({ length: count }, startBootProcess));
}

function isCalled<Name extends BootEventName>(
  event: BootEvent,
  name: Name,
): event is BootEvent & BootEventOf<Name> {
  return event.type === name;
}
