import { createServer, request as send, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { nodeListener, type FrontHandler, type RequestHead } from '../../src/http/index.ts';
import { ask, listening } from './listening.ts';

const pass: FrontHandler = () => undefined;
const sayNext: RequestListener = (_, response) => void response.end('next');

const serve = (
  handlers: readonly FrontHandler[],
  next: RequestListener = sayNext,
): Promise<string> => listening(createServer(nodeListener(handlers, next)));

describe('nodeListener', () => {
  it('lets the first handler answer that does', async () => {
    const address = await serve([pass, () => new Response('first'), () => new Response('second')]);
    expect((await ask(address)).body).toBe('first');
  });

  it('passes on what nobody answers, with its body unread', async () => {
    const address = await serve([pass], (request, response) => {
      void text(request).then((body) => response.end(`${request.method} ${body}`));
    });
    const body = 'x'.repeat(300_000);
    expect((await ask(address, { method: 'PUT', body })).body).toBe(`PUT ${body}`);
  });

  it('answers a request whose body nobody reads, and the next one on its connection', async () => {
    const refuse: FrontHandler = ({ method }) =>
      method === 'POST' ? new Response('no', { status: 503 }) : undefined;
    const address = await serve([refuse]);
    expect((await ask(address, { method: 'POST', body: 'x'.repeat(300_000) })).status).toBe(503);
    expect((await ask(address)).body).toBe('next');
  });

  it('sends status, every header and the bytes as they are', async () => {
    const headers = new Headers({ 'x-one': '1' });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    const address = await serve([() => new Response('grün', { status: 418, headers })]);
    const answer = await ask(address);
    expect([answer.status, answer.body]).toEqual([418, 'grün']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(answer.headers.get('x-one')).toBe('1');
  });

  it('shows handlers the method, the whole URL and the headers', async () => {
    const seen: RequestHead[] = [];
    const address = await serve([(request) => void seen.push(request)]);
    await ask(`${address}/a?b=1`, { method: 'DELETE', headers: { 'X-Who': 'me' } });
    expect(seen[0]).toMatchObject({ method: 'DELETE', url: `${address}/a?b=1` });
    expect(seen[0]?.headers.get('x-who')).toBe('me');
    expect(seen[0]?.headers.get('x-nobody')).toBeNull();
  });

  it('answers 500 and warns when a handler throws, instead of ending the process', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const address = await serve([
      () => {
        throw new Error('a pluginOf with a bug');
      },
    ]);
    expect(await ask(address)).toMatchObject({ status: 500, body: { code: 'INTERNAL_ERROR' } });
    expect(String(warning.mock.calls[0]?.[0])).toContain('a pluginOf with a bug');
    warning.mockRestore();
  });

  it('takes every target that HTTP allows', async () => {
    const urls: string[] = [];
    const address = await serve([({ url }) => void urls.push(url)]);
    const { port } = new URL(address);
    for (const target of ['//two/slashes', 'http://proxy.example/path', '*', '/%zz']) {
      const request = send({ port, method: 'OPTIONS', path: target, setHost: false });
      request.setHeader('host', 'not a host');
      request.end();
      const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
      expect(await text(response)).toBe('next');
    }
    expect(urls).toEqual([
      'http://localhost//two/slashes',
      'http://proxy.example/path',
      '*',
      'http://localhost/%zz',
    ]);
  });

  it('survives a client that leaves before the answer', async () => {
    const address = await serve([() => new Response('x'.repeat(1_000_000))]);
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    expect((await ask(address)).status).toBe(200);
  });
});
