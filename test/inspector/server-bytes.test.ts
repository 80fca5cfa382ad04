import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBoot } from '../../src/index.ts';
import { createInspector } from '../../src/inspector.ts';

// Nothing here reaches a database: the boot never starts.
const boot = createBoot({ pool: 'postgres://127.0.0.1:1/none', plugins: [] });
let port = 0;
let token = '';

beforeAll(async () => {
  const inspector = await createInspector(boot);
  const url = new URL(inspector.url);
  port = Number(url.port);
  token = url.searchParams.get('token') ?? '';
  return () => inspector.close();
});

/** Sends bytes, and returns all that comes back until the server ends the connection. */
async function sendBytes(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write(bytes);
  let received = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    received += part;
  });
  await once(socket, 'close');
  return received;
}

describe('a path', () => {
  it.each([
    '/page.html',
    '/..%2f',
    '/../',
    '/.',
    '//',
    '//events',
    '/events/',
    '/EVENTS',
    '/%65vents',
    '/events%00',
    '/events;x',
    '/\\events',
    '/events#',
    '*',
    'http://127.0.0.1/events',
    'http://evil.example/',
    'events',
    '/favicon.ico',
    '/package.json',
    '/__proto__',
  ])('such as %s is refused', async (path) => {
    const received = await sendBytes(
      `GET ${path}?token=${token} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    );
    expect(received).toMatch(/^(?:HTTP\/1\.1 404 |$)/);
    expect(received).not.toContain('<div id="app">');
  });
});

describe('bytes that are made to confuse', () => {
  const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;
  const host = () => `Host: 127.0.0.1:${port}`;
  const page = () => `GET /?token=${token} HTTP/1.1`;

  it('such as two hosts, none, or an old version without one, give nothing', async () => {
    for (const bytes of [
      head(page(), host(), 'Host: evil.example'),
      head(page(), 'Host: evil.example', host()),
      head(page(), host(), host()),
      head(page()),
      head(page(), 'Host:'),
      head(`GET /?token=${token} HTTP/1.0`),
    ]) {
      const received = await sendBytes(bytes);
      expect(received).toMatch(/^HTTP\/1\.1 403 /);
      expect(received).toContain('Content-Security-Policy');
    }
  });

  it('such as two requests at once give one answer at most', async () => {
    const other = head('GET /other HTTP/1.1', host());
    for (const first of [page(), `GET /events?token=${token} HTTP/1.1`]) {
      const received = await sendBytes(head(first, host()) + other);
      expect(received.match(/^HTTP\/1\.1 /gm)?.length ?? 0).toBeLessThan(2);
      expect(received).not.toContain(' 404 ');
    }
  });

  it('such as a request inside of another one are never answered', async () => {
    const inner = head(page(), host());
    for (const bytes of [
      head('POST / HTTP/1.1', host(), `Content-Length: ${inner.length}`) + inner,
      head('GET / HTTP/1.1', host(), `Content-Length: ${inner.length}`) + inner,
      head('GET / HTTP/1.1', host(), 'Content-Length: 0', `Content-Length: ${inner.length}`) +
        inner,
      head('GET / HTTP/1.1', host(), 'Content-Length: 4', 'Transfer-Encoding: chunked') +
        `0\r\n\r\n${inner}`,
      head('GET / HTTP/1.1', host(), 'Transfer-Encoding: chunked') + `0\r\n\r\n${inner}`,
      head('GET / HTTP/1.1', host(), 'Transfer-Encoding : chunked') + `0\r\n\r\n${inner}`,
      head('GET / HTTP/1.1', host(), 'X: a\nY: b') + inner,
      head('CONNECT 127.0.0.1:1 HTTP/1.1', host()) + inner,
      `\u0000\u0016\u0003\u0001${inner}`,
      `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(5_000)}\r\n`,
      head(`GET /${'x'.repeat(20_000)} HTTP/1.1`, host()),
    ]) {
      const received = await sendBytes(bytes);
      expect(received).not.toContain('<div id="app">');
      expect(received.match(/^HTTP\/1\.1 /gm)?.length ?? 0).toBeLessThan(2);
    }
  });
});
