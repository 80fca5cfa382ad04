import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definePlugin, type MigrationFunction } from '../../src/index.ts';
import { EventStream } from '../../src/inspector/event-stream.ts';
import { LineFeed } from '../../src/inspector/line-feed.ts';
import { createInspector } from '../../src/inspector.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { requireBuiltPackage } from '../support/built-package.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { runTypeScript } from '../support/run-typescript.ts';
import { linesUrl, readEvents } from './event-reader.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** A connection that asks for the lines and reads none of them. */
async function neverRead(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  return socket;
}

/** A server that answers each request with the lines of the feed. */
async function serve(feed: LineFeed) {
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => {
    responses.push(response);
    void new EventStream(feed, response, 0, () => 0);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, server, responses };
}

const makeLine = (seq: number): string =>
  `${JSON.stringify({ seq, t: seq, type: 'boot.warning', message: 'x'.repeat(100) })}\n`;

describe('a browser that never reads', () => {
  it('has at most one batch in the memory of the process, whatever the boot makes', async () => {
    const feed = new LineFeed();
    const { port, server, responses } = await serve(feed);
    const asked = once(server, 'request');
    const socket = await neverRead(port, '/');
    await asked;
    const [response] = responses;
    let most = 0;
    for (let seq = 1; seq <= 50_000; seq += 1) {
      feed.add(makeLine(seq));
      most = Math.max(most, response?.writableLength ?? 0);
      // The system takes what it can, and the rest waits here.
      if (seq % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(feed.lines).toHaveLength(50_000);
    expect(response?.writableLength).toBeGreaterThan(0);
    expect(most).toBeLessThan(128 * 1024);
    feed.end();
    // It reads at last, and lacks nothing.
    const received = text(socket);
    expect(await received).toContain('"seq":50000,');
  });

  it('does not hold up a boot', async () => {
    const steps = 500;
    const files = Array.from({ length: steps }, (_, index): MigrationFunction => ({
      name: `${String(index).padStart(4, '0')}_${'x'.repeat(60)}`,
      run: () => undefined,
    }));
    const { url: pool } = await db.fresh();
    const { boot } = bootUnderTest({
      pool,
      plugins: ['a', 'b', 'c', 'd'].map((id) => definePlugin({ id, migrations: files })),
    });
    const inspector = await createInspector(boot);
    onTestFinished(() => inspector.close());
    const { port, pathname, search } = linesUrl(inspector.url);
    const stuck = await Promise.all(
      Array.from({ length: 8 }, () => neverRead(Number(port), `${pathname}${search}`)),
    );
    const reader = await readEvents(inspector.url);
    await boot.start();
    await boot.stop();
    await reader.closed;
    expect(reader.lines.length).toBeGreaterThan(2 * 4 * steps);
    expect(stuck.every(({ destroyed }) => !destroyed)).toBe(true);
    await inspector.close();
  });
});

describe('a line', () => {
  it('that is longer than a batch is sent whole', async () => {
    const long = `"${'ü'.repeat(300_000)}"`;
    const feed = new LineFeed(['1', long, '2']);
    feed.end();
    const { port } = await serve(feed);
    const reader = await readEvents(`http://127.0.0.1:${port}/`);
    await reader.closed;
    expect(reader.lines).toEqual(['1', long, '2']);
  });

  it('goes with others of its moment into one batch, and a batch has a limit', async () => {
    const lines = Array.from({ length: 10_000 }, (_, seq) => makeLine(seq).trimEnd());
    const feed = new LineFeed(lines);
    feed.end();
    const { port } = await serve(feed);
    const reader = await readEvents(`http://127.0.0.1:${port}/`);
    await reader.closed;
    expect(reader.lines).toEqual(lines);
    const sizes = reader.events.map(({ data }) => data.join('').length);
    expect(Math.max(...sizes)).toBeLessThan(66 * 1024);
    expect(reader.events.length).toBeLessThan(40);
  });
});

describe('an inspector that is closed while it sends', () => {
  it('cuts each browser off at once, the slow ones too', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: [definePlugin({ id: 'auth' })] });
    const inspector = await createInspector(boot);
    const reader = await readEvents(inspector.url);
    const { port, pathname, search } = linesUrl(inspector.url);
    const stuck = await neverRead(Number(port), `${pathname}${search}`);
    await boot.start();
    await Promise.all([inspector.close(), inspector.close()]);
    await reader.closed;
    const cut = new Promise((resolve) => stuck.once('close', resolve));
    stuck.resume();
    await cut;
  });
});

const program = fileURLToPath(new URL('./inspected-program.ts', import.meta.url));

/** Runs the program, and returns its first line, the address, and those after it. */
async function run(...args: readonly string[]) {
  requireBuiltPackage();
  const child = spawn(process.execPath, [...runTypeScript, program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = createInterface(child.stdout);
  const [url] = (await once(output, 'line')) as [string];
  return { child, url, output, exited: once(child, 'exit') };
}

describe('a process', () => {
  it('ends when its boot has ended, with browsers that read and that do not', async () => {
    const { child, url, output, exited } = await run(db.url);
    const reader = await readEvents(url);
    const { port, pathname, search } = linesUrl(url);
    await neverRead(Number(port), `${pathname}${search}`);
    const isFree = once(output, 'line').then(() => 'free');
    const isShown = reader.shows(/"plugin\.init\.started","plugin":"busy"/).then(() => 'shown');
    child.stdin.write('go\n');
    // The plugin holds up its whole process, and the browser knows which one it is.
    expect(await Promise.race([isShown, isFree])).toBe('shown');
    expect(await exited).toEqual([0, null]);
    await reader.closed;
    expect(reader.events.at(-1)?.event).toBe('end');
  });

  it('that shows a recording goes on until it closes the inspector', async () => {
    const path = join(await temporaryFolder(), 'boot.jsonl');
    const { boot } = bootUnderTest({ pool: db.url, plugins: [], record: path });
    await boot.start();
    await boot.stop();
    const { child, url, exited } = await run(db.url, path);
    for (let times = 0; times < 2; times += 1) {
      const reader = await readEvents(url);
      await reader.closed;
      expect(`${reader.lines.join('\n')}\n`).toBe(await readFile(path, 'utf8'));
    }
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
