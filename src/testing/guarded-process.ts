import { execFileSync, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** The user a server runs as, in the form `spawn` wants. */
export interface ServerIdentity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Chooses the user the server runs as; `undefined` is the current one. PostgreSQL refuses to run as root, so root runs it as
 * another user. Throws when this is root and the machine has no such user.
 */
export function chooseServerIdentity(): ServerIdentity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: askId('-u', user), gid: askId('-g', user) };
    } catch {
      // There is no such user.
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no user postgres or nobody to run it as. ' +
      'Run as a normal user, create one of them, or set DATABASE_URL.',
  );
}

/** Asks `id`, not /etc/passwd: users may come from elsewhere, and Node has no getpwnam. */
function askId(flag: '-u' | '-g', user: string): number {
  return Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }));
}

/**
 * The shell between us and the process. It reads words from a pipe that only we hold, so the kernel ends its input when we
 * are gone, SIGKILL included: then it ends the process and removes the folder.
 * - The name of a signal is passed on. `gone` makes it forget a pid that may since be another process's. `leave` ends it
 *   with the folder untouched.
 * - At the end TERM comes before QUIT: a shell's background child ignores QUIT until it has set its handlers, and TERM ends
 *   it before that. After that, QUIT is PostgreSQL's immediate shutdown.
 * - Its own stderr is closed, so that ours ends exactly when the last of the server's processes does.
 */
const GUARD = `
folder=$1; shift
"$@" </dev/null >&2 &
child=$!
exec 2>/dev/null
while read -r word; do
  case $word in
    gone) child= ;;
    leave) exit ;;
    *) kill -s "$word" $child ;;
  esac
done
kill -s TERM $child
kill -s QUIT $child
wait $child
rm -rf "$folder"
`;

const LOG_LIMIT = 64 * 1024;
const END_MS = 60_000;

/** A process that cannot outlive us, and the folder that goes with it. */
export interface GuardedProcess {
  /** The last 64 kB it wrote to stdout and stderr. */
  log(): string;
  /** Waits until the log has `text`; false when the process ended before, or `deadlineMs` passed. */
  says(text: string, deadlineMs: number): Promise<boolean>;
  /** Sends a signal and waits until the process and all its children have ended. */
  end(signal: 'INT' | 'QUIT'): Promise<void>;
  /** Waits until the process and all its children have ended by themselves. */
  ended(): Promise<void>;
  /** Dismisses the guard of a process that has ended; the folder stays. */
  leave(): Promise<void>;
  /** Ends the process if need be, removes the folder, dismisses the guard. */
  remove(): Promise<void>;
}

/** Starts a process under a guard that ends it, and removes `folder`, when we die. */
export function startGuarded(
  folder: string,
  identity: ServerIdentity | undefined,
  command: readonly string[],
): GuardedProcess {
  const guard = spawn('/bin/sh', ['-c', GUARD, 'sh', folder, ...command], {
    ...identity,
    cwd: '/',
    // Nothing of the caller's PGDATA, PGPORT, PGOPTIONS or locale may reach the server.
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    // A session of its own: Ctrl-C in the terminal is for us, and we decide what it means.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let log = '';
  let onText: (() => void) | undefined;
  const isOver = new Promise<void>((resolve) => guard.stderr.once('close', resolve));
  const guardLeft = new Promise<void>((resolve) => guard.once('close', () => resolve()));
  guard.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-LOG_LIMIT);
    onText?.();
  });
  guard.once('error', (error) => {
    log += error.message;
  });
  // The guard may leave while a word is on its way: that is no error.
  guard.stdin.on('error', () => undefined);
  void isOver.then(() => guard.stdin.write('gone\n'));

  // A forgotten server must not keep the program running. The timers below do, while the program waits for one.
  guard.unref();
  for (const stream of [guard.stdin, guard.stderr]) if (stream instanceof Socket) stream.unref();

  return {
    log: () => log,
    async says(text, deadlineMs) {
      const said = new Promise<void>((resolve) => {
        onText = () => {
          if (log.includes(text)) resolve();
        };
        onText();
      });
      await within(deadlineMs, Promise.race([said, isOver])).catch(() => undefined);
      onText = undefined;
      return log.includes(text);
    },
    async end(signal) {
      guard.stdin.write(`${signal}\n`);
      await within(END_MS, isOver);
    },
    ended: () => within(END_MS, isOver),
    async leave() {
      guard.stdin.end('leave\n');
      await within(END_MS, guardLeft);
    },
    async remove() {
      guard.stdin.end();
      await within(END_MS, guardLeft);
    },
  };
}

/** Waits for a promise, keeping the event loop alive meanwhile, and rejects after `ms`. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  const waiting = new AbortController();
  const late = setTimeout(ms, undefined, { signal: waiting.signal }).then(() => {
    throw new Error(`A PostgreSQL process did not end within ${ms} ms`);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    late.catch(() => undefined);
    waiting.abort();
  }
}
