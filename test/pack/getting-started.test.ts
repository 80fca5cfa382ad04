import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../support/built-package.ts';
import { packBuiltPackage, withTestedVersion } from '../support/packed-package.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

/** What a reader does at one place of the page: writes a file, types commands, or starts the server. */
interface Step {
  readonly kind: 'file' | 'commands' | 'server' | 'requests';
  readonly name: string;
  readonly text: string;
}

const page = await readFile(join(packageRoot, 'docs/getting-started.md'), 'utf8');
const pattern = /<!-- (file|commands|server|requests): (\S+) -->\s*```\w+\n([^]*?)```/g;
const steps = [...page.matchAll(pattern)].map(
  ([, kind, name, text]) => ({ kind, name, text }) as Step,
);

test('the page has the files of the example', async () => {
  const files = steps.filter(({ kind }) => kind === 'file');
  expect(files.length).toBeGreaterThan(7);
  for (const { name, text } of files) {
    const file = join(packageRoot, 'docs/examples/getting-started', name);
    expect(await readFile(file, 'utf8'), name).toBe(text);
  }
});

test('a reader who does what the page says, from an empty folder, has a backend', async ({
  skip,
}) => {
  const folder = await makeFolder('slipway-start-');
  const tarball = await packBuiltPackage(await makeFolder('slipway-pack-'));
  const { url } = await db.fresh();
  const port = await findPort();
  const env = { ...process.env, DATABASE_URL: url, PORT: String(port) };
  const reader = new Reader(folder, { ...env, npm_config_prefer_offline: 'true' });
  const ways: Readonly<Record<Step['kind'], (step: Step) => Promise<unknown>>> = {
    file: async ({ name, text }) => {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    },
    commands: async ({ text }) => {
      const failure = await reader.type(await withOurs(text, tarball)).catch(String);
      // On a user's machine there may be no registry to ask; in CI there has to be one.
      if (failure && text.includes('npm install') && !process.env['CI']) skip(failure);
      expect(failure).toBeUndefined();
    },
    server: async ({ text }) =>
      expect(await reader.serve(text, port)).toEqual({ statuses: [200, 404], price: 40 }),
    requests: async ({ text }) => expect(text).toContain('http://127.0.0.1:8080/readyz'),
  };
  for (const step of steps) await ways[step.kind](step);
  const servers = steps.filter(({ kind }) => kind === 'server').map(({ name }) => name);
  expect(servers).toEqual(['tsx', 'tsc', 'esbuild']);
  expect(reader.printed).toContain('2 plugins');
  expect(reader.printed).toMatch(/pass 1\b/);
  expect(reader.printed.match(/"event":"boot\.stopped"/g)).toHaveLength(servers.length);
}, 300_000);

/** What the running server answered. */
interface Served {
  /** Of the probe, and of an order for what the catalog has not. */
  readonly statuses: readonly number[];
  readonly price: number;
}

class Reader {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  printed = '';

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Types commands, of which each has to succeed. */
  async type(commands: string): Promise<void> {
    const [code] = await once(this.#start(commands), 'close');
    if (code !== 0)
      throw new Error(`${commands} ended with ${code}: ${this.printed.slice(-2_000)}`);
  }

  /** Starts the server by the last line, asks it what the page asks it, and stops it as Ctrl-C does. */
  async serve(commands: string, port: number): Promise<Served> {
    const lines = commands.trim().split('\n');
    const last = lines.pop() ?? '';
    await this.type(lines.join('\n'));
    const server = this.#start(`exec ${last}`);
    const closed = once(server, 'close');
    await Promise.race([untilReady(server.stdout), closed]);
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const statuses = [await ask('/readyz'), await ask('/none')].map(({ status }) => status);
    const order = (await (await ask('/lamp')).json()) as { readonly price: number };
    // A terminal sends Ctrl-C to the whole group.
    process.kill(-(server.pid ?? 0), 'SIGINT');
    await closed;
    return { statuses, price: order.price };
  }

  #start(commands: string) {
    const shell = spawn('bash', ['-ec', commands], {
      cwd: this.#folder,
      env: this.#env,
      detached: true,
    });
    onTestFinished(() => {
      if (shell.exitCode === null && shell.signalCode === null)
        process.kill(-(shell.pid ?? 0), 'SIGKILL');
    });
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.printed += text));
    }
    return shell;
  }
}

async function untilReady(output: Readable): Promise<void> {
  let text = '';
  for await (const [chunk] of on(output, 'data')) {
    text += String(chunk);
    if (text.includes('"event":"boot.finished"')) return;
  }
}

async function makeFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Slipway as it is here, and of the others the versions that npm has at hand. */
async function withOurs(commands: string, tarball: string): Promise<string> {
  const lines = commands.split('\n').map(async (line) => {
    if (!line.startsWith('npm install')) return line;
    const words = line.split(' ').map(async (word) => {
      if (word === 'slipway') return tarball;
      const [tested = ''] = await withTestedVersion([word.replace(/(?<=.)@.*/, '')]);
      return tested.endsWith('@undefined') ? word : tested;
    });
    return (await Promise.all(words)).join(' ');
  });
  return (await Promise.all(lines)).join('\n');
}
