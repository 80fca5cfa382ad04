import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { startPostgres } from 'slipway/testing';
import type { StartPostgresOptions } from 'slipway/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { findPostgres } from '../../src/testing/find-postgres.ts';
import { chooseServerIdentity } from '../../src/testing/guarded-process.ts';
import { createCluster, runServer } from '../../src/testing/server-process.ts';
import { makeServerFolder } from '../../src/testing/trusted-folder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function ask(url: string, sql: string): Promise<QueryResultRow | undefined> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<QueryResultRow>(sql)).rows[0];
  } finally {
    await client.end();
  }
}

describe('a server of our own', () => {
  test('answers, comes back from a restart and a crash with its data, and leaves nothing', async () => {
    const before = countListeners();
    await using server = await startPostgres({ from: 'local', settings: { max_connections: 33 } });
    expect(await ask(server.url, 'show max_connections')).toEqual({ max_connections: '33' });
    await ask(server.url, 'create table kept as select 42 as answer');

    await server.restart();
    expect(await ask(server.url, 'select answer from kept')).toEqual({ answer: 42 });

    await server.kill();
    await expect(ask(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await ask(server.url, 'select answer from kept')).toEqual({ answer: 42 });

    const folder = await dataFolder(server.url);
    expect(existsSync(folder)).toBe(true);
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(existsSync(folder)).toBe(false);
    await expect(ask(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await expect(server.restart()).rejects.toThrow('was stopped');
    await expect(server.kill()).rejects.toThrow('was stopped');
    expect(countListeners()).toEqual(before);
  });

  test('is UTF8, in the C locale, on loopback only, without unix sockets', async () => {
    await using server = await startPostgres({ from: 'local' });
    expect(
      await ask(
        server.url,
        `select current_setting('server_encoding') as encoding, current_setting('lc_messages') as locale,
                current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
                split_part(current_setting('server_version'), ' ', 1) as version`,
      ),
    ).toEqual({
      encoding: 'UTF8',
      locale: 'C',
      addresses: '127.0.0.1',
      sockets: '',
      version: server.version,
    });
  });

  test('asks for the password it was given', async () => {
    await using server = await startPostgres({ from: 'local', password: "it's: @secret/%" });
    expect(await ask(server.url, 'select 1 as one')).toEqual({ one: 1 });
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
  });

  test('starts twice at once from an empty cache, which ends up with one copy', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'slipway-cache-'));
    try {
      await chmod(cache, 0o755);
      vi.stubEnv('XDG_CACHE_HOME', cache);
      const [a, b] = await Promise.all([
        startPostgres({ from: 'package' }),
        startPostgres({ from: 'package' }),
      ]);
      expect(await ask(a.url, 'select 1 as one')).toEqual({ one: 1 });
      expect(await ask(b.url, 'select 1 as one')).toEqual({ one: 1 });
      expect(a.port).not.toBe(b.port);
      await Promise.all([a.stop(), b.stop()]);
      const [own] = await readdir(cache);
      expect(await readdir(join(cache, String(own)))).toHaveLength(1);
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  });

  test('moves to another port when the free one it found was taken in between', async () => {
    const thief = createServer().listen(0, '127.0.0.1');
    await once(thief, 'listening');
    const taken = portOf(thief.address());
    const identity = chooseServerIdentity();
    const folder = makeServerFolder(identity);
    const installation = await findPostgres('local', identity);
    const plan = { ...installation, identity, folder, settings: {} };
    const initdb = await createCluster(plan, undefined);
    try {
      await expect(runServer(plan, taken)).rejects.toThrow(`did not start on port ${taken}`);

      const free = createServer().listen(0, '127.0.0.1');
      await once(free, 'listening');
      const next = portOf(free.address());
      free.close();
      const offers = [taken, next];
      const server = await runServer(plan, undefined, async () => Number(offers.shift()));
      expect(server.port).toBe(next);
      await server.process.remove();
    } finally {
      thief.close();
      await initdb.remove();
    }
    expect(existsSync(folder)).toBe(false);
  });

  test('says why the server refused to start, and leaves no folder', async () => {
    const temporary = await mkdtemp(join(tmpdir(), 'slipway-tmp-'));
    try {
      await chmod(temporary, 0o1777);
      vi.stubEnv('TMPDIR', temporary);
      const refused = startPostgres({ from: 'local', settings: { work_mem: 'plenty' } });
      await expect(refused).rejects.toThrow('invalid value for parameter "work_mem"');
      const left = (await readdir(temporary)).filter((name) => name.startsWith('slipway-pg-'));
      expect(left).toEqual([]);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
});

describe('a server behind DATABASE_URL', () => {
  test('is used as it is, and never stopped', async () => {
    await using own = await startPostgres({ from: 'local' });
    vi.stubEnv('DATABASE_URL', own.url);
    const given = await startPostgres({ settings: { max_connections: 5 } });
    expect(given).toMatchObject({
      source: 'DATABASE_URL',
      url: own.url,
      host: '127.0.0.1',
      port: own.port,
      user: 'postgres',
      database: 'postgres',
    });
    await given.stop();
    expect(await ask(given.url, 'select 1 as one')).toEqual({ one: 1 });
    await expect(given.restart()).rejects.toThrow('startPostgres cannot restart the server');
    await expect(given.kill()).rejects.toThrow('startPostgres cannot kill the server');
    await expect(startPostgres({ port: 5432 })).rejects.toThrow("add from: 'local'");
  });

  test('is not guessed from an address that is none, which is not repeated', async () => {
    vi.stubEnv('DATABASE_URL', 'my-secret@host');
    const refused = startPostgres();
    await expect(refused).rejects.toThrow('Expected DATABASE_URL to be an address');
    await expect(refused).rejects.not.toThrow('my-secret');
  });
});

test.each<[StartPostgresOptions | object, string]>([
  [{ from: 'docker' }, 'from to be one of auto, local, package, system, got "docker"'],
  [{ port: 0 }, 'port to be an integer from 1 to 65535, got 0'],
  [{ password: '' }, 'password to be one line of text that is not empty'],
  [{ settings: { port: 1 } }, 'settings to leave port'],
  [{ settings: { 'a b': 1 } }, 'settings to have names, got "a b"'],
  [{ settings: { work_mem: null } }, 'settings.work_mem to be a string or a number, got null'],
  [{ prot: 5432 }, 'option to be one of from, settings, password, port, got "prot"'],
])('the option %j is refused with what is expected', async (options, message) => {
  await expect(startPostgres(options)).rejects.toThrow(message);
});

function countListeners(): readonly (readonly [string | symbol, number])[] {
  return process.eventNames().map((name) => [name, process.rawListeners(String(name)).length]);
}

async function dataFolder(url: string): Promise<string> {
  const row = await ask(url, 'show data_directory');
  return String(row?.['data_directory']);
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (typeof address !== 'object' || address === null) throw new Error('Not a TCP port');
  return address.port;
}
