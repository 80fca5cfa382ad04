import { once } from 'node:events';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { networkInterfaces } from 'node:os';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBoot } from '../../src/index.ts';
import { createInspector, type Inspector } from '../../src/inspector.ts';
import { readEvents } from './event-reader.ts';

// Nothing here reaches a database: the boot never starts.
const boot = createBoot({ pool: 'postgres://127.0.0.1:1/none', plugins: [] });
let inspector: Inspector;
let port = 0;
let token = '';

beforeAll(async () => {
  inspector = await createInspector(boot);
  const url = new URL(inspector.url);
  port = Number(url.port);
  token = url.searchParams.get('token') ?? '';
  return () => inspector.close();
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Sends a request as it is given. The body of a stream is not read. */
async function ask(options: RequestOptions = {}, path = `/?token=${token}`): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, path, agent: false, ...options }).end();
  onTestFinished(() => void sent.destroy());
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const isStream = response.headers['content-type'] === 'text/event-stream';
  const body = isStream && options.method !== 'HEAD' ? '' : await text(response);
  if (isStream) sent.destroy();
  return { status: response.statusCode, headers: response.headers, body };
}

const statusOf = async (headers: RequestOptions['headers'], path?: string) =>
  (await ask({ headers }, path)).status;

const events = () => `/events?token=${token}`;

describe('the page', () => {
  it('is given for the printed address', async () => {
    const { status, headers, body } = await ask();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain('<div id="app">');
    expect(token).toMatch(/^[\w-]{43}$/);
  });

  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])('is given for %s', async (name) => {
    expect(await statusOf({ host: `${name}:${port}` })).toBe(200);
  });

  it('has a new token for each inspector', async () => {
    const other = await createInspector(boot);
    onTestFinished(() => other.close());
    expect(new URL(other.url).searchParams.get('token')).not.toBe(token);
  });

  it('is not given to HEAD, which gets its headers', async () => {
    const [head, whole] = [await ask({ method: 'HEAD' }), await ask()];
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-security-policy']).toBe(whole.headers['content-security-policy']);
    expect(await ask({ method: 'HEAD' }, events())).toMatchObject({ status: 200, body: '' });
  });
});

describe('a token', () => {
  it.each([
    ['is missing', '', 401],
    ['is empty', '?token=', 401],
    ['is wrong', '?token=wrong', 403],
    ['is one letter short', () => `?token=${token.slice(0, -1)}`, 403],
    ['is one letter long', () => `?token=${token}x`, 403],
    ['has another case', () => `?token=${token.toUpperCase()}`, 403],
    ['comes second', () => `?token=wrong&token=${token}`, 403],
    ['has another name', () => `?Token=${token}`, 401],
    ['is in the path', () => token, 404],
  ])('that %s opens nothing', async (_, query, status) => {
    const given = typeof query === 'string' ? query : query();
    for (const path of ['/', '/events']) {
      const answer = await ask({}, `${path}${given}`);
      expect(answer.status).toBe(status);
      expect(answer.body).not.toContain('<div id="app">');
      expect(answer.body).not.toContain(token);
    }
  });

  it('that is missing or wrong gets a page that says what to do', async () => {
    for (const path of ['/', '/?token=wrong']) {
      const { headers, body } = await ask({}, path);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(body).toContain('Open the address that the program printed.');
    }
  });
});

describe('a page of another site', () => {
  it.each([
    ['evil.example', 403],
    [() => `evil.example:${port}`, 403],
    [() => `127.0.0.1.evil.example:${port}`, 403],
    [() => `localhost:${port}.evil.example`, 403],
    [() => `evil@127.0.0.1:${port}`, 403],
    [() => `127.0.0.1:${port}@evil.example`, 403],
    [() => `127.1:${port}`, 403],
    [() => `2130706433:${port}`, 403],
    [() => `0.0.0.0:${port}`, 403],
    [() => `localhost.:${port}`, 403],
    ['127.0.0.1', 403],
    ['127.0.0.1:1', 403],
  ])('that has this address as its own (Host: %s) gets nothing', async (host, status) => {
    const given = typeof host === 'string' ? host : host();
    for (const path of [undefined, events()])
      expect(await statusOf({ host: given }, path)).toBe(status);
  });

  it.each([
    'http://evil.example',
    'null',
    '',
    'https://127.0.0.1',
    () => `https://127.0.0.1:${port}`,
    () => `http://localhost:${port}`,
    () => `http://127.0.0.1:${port}/`,
    () => `http://127.0.0.1:${port}.evil.example`,
    () => `http://127.0.0.1:${port + 1}`,
  ])('that sends requests (Origin: %s) gets nothing', async (origin) => {
    const given = typeof origin === 'string' ? origin : origin();
    for (const path of [undefined, events()]) {
      const answer = await ask({ headers: { origin: given } }, path);
      expect(answer.status).toBe(403);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it.each([
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'object' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'none, cross-site' },
    { 'sec-fetch-site': 'anything' },
  ])(
    'that loads something from here (%j) gets nothing, not even with the token',
    async (headers) => {
      for (const path of [undefined, events()]) expect(await statusOf(headers, path)).toBe(403);
    },
  );

  it('may have a link to the page, with its token, and not to the lines', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = {
        'sec-fetch-site': site,
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      };
      expect(await statusOf(headers)).toBe(200);
      expect(await statusOf(headers, '/')).toBe(401);
      expect(await statusOf(headers, '/?token=wrong')).toBe(403);
      expect(await statusOf(headers, events())).toBe(403);
    }
  });

  it('is not what the page itself and the person at the machine are', async () => {
    const origin = `http://127.0.0.1:${port}`;
    for (const headers of [
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
      { origin, 'sec-fetch-site': 'same-origin' },
    ]) {
      for (const path of [undefined, events()]) expect(await statusOf(headers, path)).toBe(200);
    }
  });

  it('cannot ask for leave by a preflight', async () => {
    const answer = await ask({
      method: 'OPTIONS',
      headers: { 'access-control-request-private-network': 'true' },
    });
    expect(answer.status).toBe(405);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-'))).toEqual([]);
  });
});

describe('anything else', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    'such as %s is refused',
    async (method) => {
      const answer = await ask({ method });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    },
  );

  it('ends each connection after its answer, also when the browser wants to keep it', async () => {
    const { headers } = await ask({ headers: { connection: 'keep-alive' } });
    expect(headers.connection).toBe('close');
  });

  it('has the headers that shut everything out, on every answer', async () => {
    const answers = [
      await ask(),
      await ask({}, events()),
      await ask({}, '/'),
      await ask({}, '/events'),
      await ask({}, '/other'),
      await ask({ method: 'POST' }),
      await ask({ headers: { host: 'evil.example' } }),
      await ask({ headers: { expect: '200-maybe' } }),
      await ask({ headers: { upgrade: 'websocket', connection: 'upgrade' } }),
    ];
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      const policy = String(headers['content-security-policy']);
      expect(policy.split('; ')).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
          "form-action 'none'",
        ]),
      );
      expect(policy).not.toMatch(/unsafe|\*|http|eval/);
      expect(headers).not.toHaveProperty('set-cookie');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });
});

describe('the inspector', () => {
  it('is on 127.0.0.1 and on no other address of this machine', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .map(({ address }) => address)
      .filter((address) => address !== '127.0.0.1' && !address.startsWith('fe80'));
    for (const other of [...others, '127.0.0.2']) {
      const socket = connect(port, other);
      const [error] = await once(socket, 'error').catch((thrown: unknown) => [thrown]);
      expect(error, other).toMatchObject({ code: expect.any(String) as string });
    }
  });

  it('has sixteen browsers at most, and takes another one when one has left', async () => {
    const readers = [];
    for (let count = 0; count < 16; count += 1) readers.push(await readEvents(inspector.url));
    expect((await ask({}, events())).status).toBe(503);
    readers[0]?.leave();
    await readers[0]?.closed;
    await expect.poll(async () => (await ask({}, events())).status).toBe(200);
  });
});
