import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { firstLine, makeOutsideProject } from './outside-program.ts';
import type { OutsideProject, RunOptions } from './outside-program.ts';

const stranger = findStranger();

let project: OutsideProject;

beforeAll(async () => {
  project = await makeOutsideProject();
});
afterAll(() => project.remove());

const START = `const server = await startPostgres({ from: 'package' });`;
const PRINT = `console.log(server.url);`;
const STAY = `setInterval(() => {}, 1000);`;

/** A cache inside the project, so that the machine's own stays as it is. */
async function makeCache(name: string, owner?: { uid: number; gid: number }): Promise<RunOptions> {
  const cache = join(project.root, name);
  await mkdir(cache, { recursive: true, mode: 0o755 });
  if (owner !== undefined) await chown(cache, owner.uid, owner.gid);
  return { ...owner, env: { XDG_CACHE_HOME: cache } };
}

test('a parent that is killed takes its server and the data with it', async () => {
  const parent = project.run(START + PRINT + STAY, await makeCache('cache'));
  const url = await firstLine(parent);
  const { data } = await look(url);
  // A busy server has to go too, not only an idle one.
  const busy = new Client({ connectionString: url });
  busy.on('error', () => undefined);
  await busy.connect();
  const answer = busy.query('select pg_sleep(600)').catch((error: unknown) => error);

  parent.kill('SIGKILL');
  expect(await answer).toBeInstanceOf(Error);
  await expectGone(url, data);
});

test('a parent that is killed during initdb leaves no folder', async () => {
  const parent = project.run(
    `import { readdirSync, watch } from 'node:fs';
     const base = process.env.TMPDIR;
     const timer = setInterval(() => {
       for (const name of readdirSync(base)) {
         if (!readdirSync(base + '/' + name).includes('data')) continue;
         console.log(base + '/' + name);
         process.kill(process.pid, 'SIGKILL');
       }
     }, 1);` + START,
    await cacheWithTmp(),
  );
  const folder = await firstLine(parent);
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 20_000 });
});

test('a program that forgets to stop its server ends all the same, and the server with it', async () => {
  const program = project.run(START + PRINT, await makeCache('cache'));
  const [url, [code]] = await Promise.all([firstLine(program), once(program, 'exit')]);
  expect(code).toBe(0);
  await vi.waitFor(() => expect(look(url)).rejects.toThrow('ECONNREFUSED'), { timeout: 20_000 });
});

test.skipIf(stranger === undefined)(
  'a normal user without a home or a temporary folder starts one, after root did',
  async () => {
    const asRoot = project.run(START + 'await server.stop();' + PRINT, await makeCache('cache'));
    await firstLine(asRoot);

    const { env, ...identity } = await makeCache('strange-cache', stranger);
    const odd = { ...env, HOME: '/nonexistent', TMPDIR: '/nonexistent' };
    const parent = project.run(START + PRINT + STAY, { ...identity, env: odd });
    const url = await firstLine(parent);
    const { data, version } = await look(url);
    expect(version).toContain('PostgreSQL');
    parent.kill('SIGKILL');
    await expectGone(url, data);
  },
);

async function cacheWithTmp(): Promise<RunOptions> {
  const options = await makeCache('cache');
  const tmp = join(project.root, 'tmp');
  await mkdir(tmp);
  await chmod(tmp, 0o1777);
  return { ...options, env: { ...options.env, TMPDIR: tmp } };
}

/** The user nobody, when we are root and may become it, and it may run this Node. */
function findStranger(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody'])));
  if (uid === undefined || gid === undefined) return undefined;
  const nobody = { uid, gid };
  const trial = spawnSync(process.execPath, ['--version'], { ...nobody, cwd: '/' });
  return trial.status === 0 ? nobody : undefined;
}

async function look(url: string): Promise<{ data: string; version: string }> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // it may die under our eyes: the query says so
  await client.connect();
  try {
    const { rows } = await client.query<{ data: string; version: string }>(
      `select current_setting('data_directory') as data, version()`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('No answer');
    return row;
  } finally {
    await client.end();
  }
}

/** The guard needs a moment; nothing tells us from outside when it has finished. */
async function expectGone(url: string, folder: string): Promise<void> {
  await vi.waitFor(
    async () => {
      await expect(look(url)).rejects.toThrow('ECONNREFUSED');
      expect(existsSync(join(folder, '..'))).toBe(false);
    },
    { timeout: 20_000 },
  );
}
