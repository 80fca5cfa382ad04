import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type {
  Heard,
  ReplicaBootOptions,
  ReplicaOrder,
  ReplicaStarter,
  Settlement,
} from './replica.ts';

/** The order of a process. */
export interface Order extends ReplicaOrder {
  /** The addresses of modules whose default export is a plugin, or a list of them. */
  readonly modules: readonly string[];
  readonly options: ReplicaBootOptions;
}

/** A message to a process. */
export type Word =
  | { readonly word: 'start'; readonly order: Order }
  | { readonly word: 'go'; readonly plugin: string }
  | { readonly word: 'stop' };

/** A message from a process. */
export type Said =
  | { readonly kind: 'up' }
  | { readonly kind: 'heard'; readonly heard: Heard }
  | { readonly kind: 'arrived'; readonly plugin: string }
  | { readonly kind: 'settled'; readonly settlement: Settlement };

/** How long a process may take to stop before it is killed. */
const stopsWithinMs = 35_000;
const lastLines = 4_000;

/**
 * Starts replicas as processes of their own. A kill is a SIGKILL.
 *
 * @param program The built `replica-program`.
 */
export function replicaProcesses(
  program: URL,
  modules: readonly string[],
  options: ReplicaBootOptions,
): ReplicaStarter {
  return {
    async start(order, arrive) {
      const child = startProgram(program);
      const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
      const heard: Heard[] = [];
      let errors = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        errors = (errors + text).slice(-lastLines);
      });
      const send = (word: Word): void => {
        if (child.connected) child.send(word, () => undefined);
      };
      const settled = new Promise<Settlement>((resolve) => {
        child.on('message', (said: Said) => {
          switch (said.kind) {
            case 'up':
              send({ word: 'start', order: { ...order, modules, options } });
              break;
            case 'heard':
              heard.push(said.heard);
              break;
            case 'arrived':
              void arrive(said.plugin).then(() => send({ word: 'go', plugin: said.plugin }));
              break;
            case 'settled':
              resolve(said.settlement);
              break;
          }
        });
        void ended.then(([code, signal]) =>
          resolve(
            signal === 'SIGKILL' && order.kill
              ? { outcome: 'killed' }
              : {
                  outcome: 'failed',
                  code: 'none',
                  text: `its process ended with ${signal ?? code}\n${errors}`.trim(),
                },
          ),
        );
      });
      return {
        number: order.number,
        heard,
        settled,
        async stop() {
          send({ word: 'stop' });
          const timer = setTimeout(() => child.kill('SIGKILL'), stopsWithinMs);
          await ended;
          clearTimeout(timer);
        },
      };
    },
  };
}

function startProgram(program: URL): ChildProcess {
  return fork(program, {
    // Loaders of a test runner are its own.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
}
