import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';

/** The example shop as a program, as `npm run demo` starts it. */
export interface ShopProcess {
  /** All that it has printed, on both streams. */
  readonly output: string;
  /** Resolves with the match once the output has it; rejects when the program ends without. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface ShopProcessOptions {
  /** Where the shop is; the example itself unless told. */
  readonly folder?: string;
  readonly args?: readonly string[];
  /** Unless told, the shop starts a PostgreSQL of its own. */
  readonly databaseUrl?: string;
}

const shopFolder = join(packageRoot, 'docs/examples/shop');

/** Starts it; it is killed after the test if it still runs then. */
export function startShop({
  folder = shopFolder,
  args = [],
  databaseUrl,
}: ShopProcessOptions = {}): ShopProcess {
  requireBuiltPackage();
  const { DATABASE_URL: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    // jiti keeps what it compiled in there: of a copy it disappears with the copy.
    ...(folder === shopFolder ? {} : { TMPDIR: dirname(folder) }),
  };
  const jiti = pathToFileURL(join(packageRoot, 'node_modules/jiti/lib/jiti-register.mjs')).href;
  const child = spawn(process.execPath, ['--import', jiti, join(folder, 'main.ts'), ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    return { code: code as number | null, signal: signal as string | null };
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  let output = '';
  const readers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const read of readers) read();
    });
  }
  return {
    get output() {
      return output;
    },
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const read = (): void => {
          const match = pattern.exec(output);
          if (!match) return;
          readers.delete(read);
          resolve(match);
        };
        readers.add(read);
        read();
        void ended.then(() => reject(new Error(`The shop never printed ${pattern}:\n${output}`)));
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Copies the shop into a project of its own that has Slipway installed; it is removed after the test. */
export async function copyShop(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'slipway-shop-'));
  onTestFinished(() => rm(project, { recursive: true, force: true }));
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  const installed = join(project, 'node_modules');
  await mkdir(installed);
  await symlink(packageRoot, join(installed, 'slipway'));
  for (const name of ['drizzle-orm', 'pg', 'pino']) {
    await symlink(join(packageRoot, 'node_modules', name), join(installed, name));
  }
  const folder = join(project, 'shop');
  await cp(shopFolder, folder, { recursive: true });
  return folder;
}
