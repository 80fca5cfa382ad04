import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { ask } from '../http/listening.ts';
import { useDatabase } from '../support/database.ts';
import {
  examples,
  startExample,
  type ExampleProcess,
  type ExampleStart,
} from '../support/example-process.ts';
import { asOnPage, readLinesOnPage } from './lines-on-page.ts';
import { askUntil, holdTable } from './waiting.ts';

const db = useDatabase();

/** Starts the program of an adapter in its folder. */
function start(name: string, more: ExampleStart): ExampleProcess {
  // Nest has decorators, so it runs as its users run it.
  const node = name === 'nestjs' ? { node: ['--import', 'tsx'] } : {};
  return startExample('main.ts', { folder: join(examples, 'adapters', name), ...node, ...more });
}

/** The request that writes into the guestbook. */
const writing = (name: string, words: string): RequestInit =>
  name === 'nestjs'
    ? {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ words }),
      }
    : { method: 'POST', headers: { 'content-type': 'text/plain' }, body: words };

async function takenPort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.each(['express', 'fastify', 'hono', 'nestjs'])('the adapter for %s', (name) => {
  it('answers while the plugins migrate, serves, and answers an open request before it stops them', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationLockKey('plugin_guestbook'));
    const example = start(name, { databaseUrl: url });
    const address = await example.address();
    const guestbook = `${address}/api/guestbook`;

    await askUntil(`${address}/startupz`, ({ body }) => JSON.stringify(body).includes('"holder"'));
    expect((await ask(`${address}/livez`)).status).toBe(200);
    expect((await ask(`${address}/readyz`)).status).toBe(503);
    expect(await ask(guestbook, writing(name, 'too early'))).toMatchObject({
      status: 503,
      body: { code: 'STARTING', plugin: { id: 'guestbook', step: 'migrate', state: 'pending' } },
    });

    await lock.release();
    await askUntil(`${address}/readyz`, ({ status }) => status === 200);
    const words = 'x'.repeat(50_000);
    expect(await ask(guestbook, writing(name, words))).toMatchObject({ status: 201 });
    expect(await ask(guestbook)).toMatchObject({ status: 200, body: [{ id: 1, words }] });
    expect((await ask(`${address}/api/nothing`)).status).toBe(404);

    await using table = await holdTable(url, 'plugin_guestbook.entries');
    const last = ask(guestbook, writing(name, 'the last one'));
    await table.isWanted();
    example.send('SIGTERM');
    await askUntil(`${address}/readyz`, ({ status }) => status !== 200);
    expect(example.lines).not.toContain('guestbook: stopped');
    await table.release();
    expect(await last).toMatchObject({ status: 201, body: { id: 2 } });
    expect(await example.ended).toBe(0);
    expect(await example.errors).toBe('');
    expect(example.lines.at(-2)).toMatch(/server: closed$/);
    expect(example.lines.at(-1)).toBe('guestbook: stopped');
    // Nest writes the time into its lines.
    const lines = asOnPage(example.lines);
    expect(lines).toEqual(name === 'nestjs' ? lines : readLinesOnPage(name));
  });

  it('says what is wrong, and ends by itself, when a migration fails', async () => {
    const database = await db.fresh();
    await database.query('CREATE SCHEMA plugin_guestbook CREATE TABLE entries (id int)');
    const example = start(name, { databaseUrl: database.url });
    expect(await example.ended).toBe(1);
    expect(await example.errors).toMatch(
      /MIGRATION_FAILED: guestbook could not be migrated[^]*"entries" already exists[^]* → /,
    );
    expect(example.lines.join('\n')).toMatch(/server: closed$/m);
  });
});

// Nest listens after the boot has begun, the others before.
it.each(['express', 'nestjs'])(
  '%s ends when its port is taken, and leaves nothing half done',
  async (name) => {
    const { url, query } = await db.fresh();
    await using _ = await holdLock(url, migrationLockKey('plugin_guestbook'));
    const port = String(await takenPort());
    const example = start(name, { databaseUrl: url, port });
    expect(await example.ended).toBe(1);
    expect(await example.errors).toContain(`address already in use 127.0.0.1:${port}`);
    const { rows } = await query("SELECT to_regclass('plugin_guestbook.entries') AS found");
    expect(rows).toEqual([{ found: null }]);
  },
);
