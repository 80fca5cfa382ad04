import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { useDatabase } from '../support/database.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const db = useDatabase();
const program = (name: string): string[] => [...runTypeScript, `docs/examples/guides/${name}.ts`];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** It listens a moment after its boot: asks again until it does, or has ended. */
async function read(url: string, backend: ChildProcess): Promise<unknown> {
  for (;;) {
    try {
      return await (await fetch(url)).json();
    } catch (error) {
      if (backend.exitCode !== null || backend.signalCode !== null) throw error;
      await pause(50);
    }
  }
}

test('the library of the guides is migrated by its job, then serves, and stops at SIGTERM', async () => {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: db.url,
    JITI_TSCONFIG_PATHS: 'true',
    PORT: String(await freePort()),
  };
  const job = await promisify(execFile)(process.execPath, program('migrate-job'), {
    cwd: repository,
    env,
  });
  expect(job.stdout).toMatch(/^books: .*\.sql\n[^]*migrated in \d+ ms\n$/);

  const backend = spawn(process.execPath, program('main'), {
    cwd: repository,
    env,
    stdio: 'ignore',
  });
  onTestFinished(() => void backend.kill('SIGKILL'));
  const ended = once(backend, 'exit');
  expect(await read(`http://127.0.0.1:${env.PORT}/`, backend)).toBeTypeOf('object');
  backend.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
