import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { inspect } from 'node:util';
import { Pool } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { withPatience } from '../../src/postgres/connection/connect-with-patience.ts';
import { openPool } from '../../src/postgres/connection/connection.ts';
import type { Clock } from '../../src/core/clock.ts';
import { startPostgres } from '../../src/testing/index.ts';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { startSilentServer } from '../support/silent-server.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const { signal } = new AbortController();
const clock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

describe('openPool', () => {
  test('ends a pool it made, once, and survives the death of its idle clients', async () => {
    const { pool, end } = openPool(db.url);
    const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await db.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await removed;
    await Promise.all([end(), end()]);
    expect(pool.ended).toBe(true);
  });

  test('whose server says goodbye after the end is no crash: its listener stays', async () => {
    await using proxy = await startProxy(db.url);
    const { pool, end } = openPool(proxy.url);
    const told = new Promise((resolve) => {
      pool.once('connect', (client) => client.once('error', resolve));
    });
    const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    proxy.blackHole();
    await db.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await end();
    // The sockets are still open: only now the server's last word arrives.
    await proxy.restore();
    expect(await told).toMatchObject({ code: '57P01' });
  });

  test('does not wait at its end for a server that has accepted and says nothing', async () => {
    await using silent = await startSilentServer();
    const { pool, end } = openPool(silent.url);
    const connecting = errorOf(pool.connect());
    await silent.connected;
    await end();
    expect((await connecting).message).toMatch(/^Connection terminated/);
    await expect.poll(silent.openCount).toBe(0);
  });

  test('lets go of a connection that failed while it was made', async () => {
    await using server = await startPostgres({ from: 'local', password: 'right-one' });
    await using proxy = await startProxy(server.url);
    const { hostname: host, port, username: user } = new URL(proxy.url);
    const config = { host, port: Number(port), user };
    const failure = new Error('no vault');
    const askVault = (): never => {
      throw failure;
    };
    const failing = openPool({ ...config, password: askVault });
    expect(await errorOf(failing.pool.connect())).toBe(failure);
    const without = openPool(config);
    expect((await errorOf(without.pool.connect())).message).toContain('password must be a string');
    await expect.poll(() => proxy.connections.open).toBe(0);
    await Promise.all([failing.end(), without.end()]);
  });

  test('notices a network that has gone silent, unless it is told otherwise', async () => {
    const ours = openPool(db.url);
    const told = openPool({ connectionString: db.url, keepAlive: false });
    expect(ours.pool.options).toMatchObject({
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000,
    });
    expect(told.pool.options).toMatchObject({ keepAlive: false });
    await Promise.all([ours.end(), told.end()]);
  });

  test('takes a config, and leaves a pool of the host as it was', async () => {
    await openPool({ connectionString: db.url }).end();
    const theirs = new Pool({ connectionString: db.url });
    const { pool, end } = openPool(theirs);
    expect(pool).toBe(theirs);
    expect(theirs.listenerCount('error')).toBe(1);
    await end();
    expect(theirs.listenerCount('error')).toBe(0);
    await theirs.query('select 1');
    await theirs.end();
  });
});

describe('a patient pool', () => {
  test('waits for a server that comes up later, and tells each attempt', async () => {
    const proxy = await startProxy(db.url);
    await proxy.close();
    const told: object[] = [];
    let late: Server | undefined;
    const pool = db.pool({ connectionString: proxy.url });
    const held = await withPatience(pool, {
      waitMs: 20_000,
      signal,
      clock,
      onWaiting: (news) => {
        told.push(news);
        if (told.length === 2) late = forwardTo(proxy.port, db.url);
      },
    }).checkOut();
    held.giveBack();
    await pool.end();
    late?.close();
    expect(told[0]).toMatchObject({ attempt: 1, nextInMs: 100, error: { code: 'ECONNREFUSED' } });
    expect(told[1]).toMatchObject({ attempt: 2, nextInMs: 200 });
  });

  test('gives up after the time it was given, with the reason', async () => {
    const proxy = await startProxy(db.url);
    await proxy.close();
    const pool = db.pool({ connectionString: proxy.url });
    const error = await errorOf(withPatience(pool, { waitMs: 250, signal, clock }).checkOut());
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', cause: { code: 'ECONNREFUSED' } });
    expect(error.message).toMatch(/^No connection to PostgreSQL within 250ms: .*ECONNREFUSED/);
  });

  test('gives up on a server that neither answers nor refuses', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const pool = new Pool({ host: '127.0.0.1', port });
    const sockets: { destroy(): void }[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    const error = await errorOf(withPatience(pool, { waitMs: 100, signal, clock }).checkOut());
    for (const socket of sockets) socket.destroy();
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(error.message).toContain('timeout');
  });

  test.each([
    ['a missing database', { database: 'nowhere_at_all' }, '3D000', /Create the database/],
    ['a missing role', { user: 'nobody_at_all' }, '28000', /refused the role/],
  ])('does not wait for %s', async (_, config, code, hint) => {
    const { hostname, port, username } = new URL(db.url);
    const given = { host: hostname, port: Number(port), user: username, database: db.name };
    const pool = new Pool({ ...given, ...config });
    const error = await errorOf(withPatience(pool, { waitMs: 60_000, signal, clock }).checkOut());
    await pool.end();
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', cause: { code } });
    expect((error as Error & { hint: string }).hint).toMatch(hint);
  });

  test('does not wait for a refused password, nor tells it', async () => {
    await using server = await startPostgres({ from: 'local', password: 'right-one' });
    const url = new URL(server.url);
    url.password = 'wrong-one';
    const pool = new Pool({ connectionString: url.href });
    const error = await errorOf(withPatience(pool, { waitMs: 60_000, signal, clock }).checkOut());
    await pool.end();
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', cause: { code: '28P01' } });
    expect(formatAll(error)).toMatch(/refused the password/);
    expect(formatAll(error)).not.toMatch(/-one/);
  });

  test('stops waiting when it is aborted', async () => {
    const proxy = await startProxy(db.url);
    await proxy.close();
    const stop = new AbortController();
    const waiting = withPatience(db.pool({ connectionString: proxy.url }), {
      waitMs: 60_000,
      signal: stop.signal,
      clock,
      onWaiting: () => stop.abort(),
    }).checkOut();
    expect(await errorOf(waiting)).toBe(stop.signal.reason);
  });
});

function formatAll(error: Error): string {
  return inspect(error, { depth: 5 });
}

/** Lets the port of a proxy that was closed answer again. */
function forwardTo(port: number, url: string): Server {
  const { hostname, port: serverPort } = new URL(url);
  const server = createServer((socket) => {
    const upstream = connect(Number(serverPort), hostname);
    socket.pipe(upstream).pipe(socket);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
  });
  return server.listen(port, '127.0.0.1');
}
