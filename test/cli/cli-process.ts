import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';

/** The program as `npx slipway` starts it. */
const program = join(packageRoot, 'dist/src/cli/main.js');

/** The folder of the example shop, whose config is found there. */
export const shopFolder = join(packageRoot, 'docs/examples/shop');

/** The path of a config of these tests. */
export const configOf = (name: string): string =>
  join(packageRoot, 'test/cli/configs', `${name}.config.ts`);

interface CliOptions {
  /** The working folder; by default that of the shop. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export interface CliProcess {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the match once one of the streams has it; rejects when the program ends without. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** Types on the terminal, or writes to standard input. */
  type(text: string): void;
  /** Reads no more of standard output, as `| head` does. */
  closeOutput(): void;
  readonly ended: Promise<Ended>;
}

/** The environment of the program: nothing of the one in which the tests run changes what is printed. */
function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, TERM: 'xterm', ...env };
}

/** Starts the program with its streams in pipes. It is killed after the test. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  return follow(process.execPath, [program, ...args], options);
}

/** Runs the program to its end. A line that a slow machine adds to its answer is left out of standard error. */
export async function runCli(args: readonly string[], options?: CliOptions): Promise<Ended> {
  const ended = await startCli(args, options).ended;
  return { ...ended, stderr: ended.stderr.replaceAll(/^Still waiting for PostgreSQL, .*\n/gm, '') };
}

/** Starts the program on a terminal of a given width, by script(1). Both its streams are one. */
export function startOnTerminal(
  args: readonly string[],
  columns: number,
  options: CliOptions = {},
): CliProcess {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols ${columns} rows 50; exec ${words}`;
  return follow('script', ['-qefc', command, '/dev/null'], options);
}

function follow(command: string, args: readonly string[], options: CliOptions): CliProcess {
  requireBuiltPackage();
  const child = spawn(command, args, {
    cwd: options.cwd ?? shopFolder,
    env: environment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (options.input !== undefined) child.stdin.end(options.input);
  const text = { stdout: '', stderr: '' };
  const readers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (more: string) => {
      text[name] += more;
      for (const read of readers) read();
    });
  }
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    return { code: code as number | null, signal: signal as string | null, ...text };
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return text.stdout;
    },
    get stderr() {
      return text.stderr;
    },
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const read = (): void => {
          const match = pattern.exec(text.stdout) ?? pattern.exec(text.stderr);
          if (!match) return;
          readers.delete(read);
          resolve(match);
        };
        readers.add(read);
        read();
        void ended.then((end) =>
          reject(new Error(`It never printed ${pattern}: ${JSON.stringify(end)}`)),
        );
      }),
    kill: (signal) => void child.kill(signal),
    closeOutput: () => void child.stdout.destroy(),
    type: (typed) => void child.stdin.write(typed),
    ended,
  };
}

/** The last lines of a text that are not empty. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trimEnd() ?? '';
}
