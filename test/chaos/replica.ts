import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { BootEventName } from 'slipway';
import { packageRoot } from '../support/built-package.ts';
import type { Failure, ReplicaOrder, Said, Word } from './replica-order.ts';

/** A replica's process, as the round sees it. */
export interface Replica {
  /** For deviations: its place and what it was. */
  readonly name: string;
  readonly order: ReplicaOrder;
  /** Whether it has begun to work, and is still there. */
  readonly isUp: boolean;
  /** Signals that the round sent to it. */
  readonly signals: ReadonlySet<NodeJS.Signals>;
  /** How each of its boots ended. */
  readonly settlements: readonly Settlement[];
  /** The name of the last event of its boots. */
  readonly lastEvent: string;
  /** Everything that it wrote to stderr. */
  readonly stderr: string;
  /** Resolves when its first boot has come to an end, or the process has. */
  readonly settled: Promise<unknown>;
  readonly ended: Promise<Exit>;
  tell(word: Word): void;
  /** Gives false when it is gone already. */
  signal(signal: NodeJS.Signals): boolean;
}

export type Settlement = Extract<Said, { readonly kind: 'settled' }>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts a replica. `hear` gets `up` when it has begun to work, and the name of every event of its boots. */
export function startReplica(
  program: string,
  name: string,
  order: ReplicaOrder,
  hear: (event: BootEventName | 'up') => void,
): Replica {
  const child = fork(program, [JSON.stringify(order)], {
    cwd: packageRoot,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let isUp = false;
  let lastEvent = 'none';
  let stderr = '';
  const signals = new Set<NodeJS.Signals>();
  const settlements: Settlement[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // `close` comes after stderr has been read to its end.
  const ended = once(child, 'close').then(([code, signal]): Exit => {
    isUp = false;
    return { code, signal };
  });
  const firstSettled = new Promise<void>((resolve) => {
    child.on('message', (said: Said) => {
      if (said.kind === 'up') {
        isUp = true;
        hear('up');
      }
      if (said.kind === 'event') {
        lastEvent = said.type;
        hear(said.type);
      }
      if (said.kind !== 'settled') return;
      settlements.push(said);
      resolve();
    });
  });
  return {
    name,
    order,
    signals,
    settlements,
    get isUp() {
      return isUp;
    },
    get lastEvent() {
      return lastEvent;
    },
    get stderr() {
      return stderr;
    },
    settled: Promise.race([firstSettled, ended]),
    ended,
    tell(word) {
      // It may be on its way out: then there is nothing left to tell it.
      if (child.connected) child.send(word, () => undefined);
    },
    signal(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      signals.add(signal);
      return child.kill(signal);
    },
  };
}

/** What is wrong about how a replica ended; nothing when it is as it should be. */
export function judgeReplica(replica: Replica, { code, signal }: Exit): readonly string[] {
  const { name, signals, settlements, stderr, order } = replica;
  const wrong: string[] = [];
  const isKilled = signal !== null && signals.has(signal);
  const codes = signals.has('SIGTERM') ? [0, 1, 3, 143] : [0, 3];
  if (!isKilled && (code === null || !codes.includes(code))) {
    wrong.push(`${name} ended with ${signal ?? code}`);
  }
  if (stderr !== '') wrong.push(`${name} wrote to stderr:\n${stderr.slice(0, 3_000)}`);
  for (const { failures } of settlements) {
    for (const failure of failures) {
      if (isForgiven(failure, order)) continue;
      const { code: failed, plugin = '', state = '', message } = failure;
      wrong.push(`${name} failed with ${failed} ${plugin} ${state}: ${message.slice(0, 1_000)}`);
    }
  }
  return wrong;
}

/** What the faults of a round may lead to. Everything else, such as `BOOT_BROKEN` or `PLAN_INVALID`, is a deviation. */
const forgivenCodes = new Set([
  'DATABASE_UNREACHABLE',
  'MIGRATION_CONNECTION_LOST',
  'MIGRATION_LOCK_TIMEOUT',
  'MIGRATION_FAILED',
  'INIT_FAILED',
  'INIT_TIMEOUT',
  'STOP_FAILED',
  'STOP_TIMEOUT',
  'BOOT_CANCELED',
  // A change that was asked for when the process had been asked to end.
  'BOOT_NOT_UP',
]);

/** Classes of SQLSTATE: connection, retry, resources, locks and cancels, operator, system. 42P07 or 23505 would be a file that ran twice. */
const forgivenStates = /^(?:08|40|53|55|57|58)/;

function isForgiven({ code, plugin, state, message }: Failure, order: ReplicaOrder): boolean {
  const { release } = order.plan;
  const isPlanned =
    (state === '22012' &&
      ((release === 'failing' && plugin === 'accounts') ||
        (release === 'optional' && plugin === 'fragile'))) ||
    (plugin === 'moody' && message.includes('not today'));
  if (isPlanned) return true;
  return forgivenCodes.has(code) && (state === undefined || forgivenStates.test(state));
}
