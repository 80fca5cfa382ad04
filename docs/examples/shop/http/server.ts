import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'slipway';
import { closeServer, nodeListener } from 'slipway/http';
import type { FrontHandler } from 'slipway/http';
import { Refusal, badRequest } from './refusal.ts';
import type { RouteTable } from './routes.ts';

const bodyLimitInBytes = 64 * 1024;

export interface ShopServerOptions {
  /** Asked before the routes, in this order: what one of them answers never comes to a route. */
  readonly front: readonly FrontHandler[];
  readonly routes: RouteTable;
  /** Renders `/`. */
  readonly indexPage: () => Promise<string>;
  readonly logger: Logger;
  /** 0 is any free port. */
  readonly port: number;
}

export interface ShopServer {
  /** Listens on 127.0.0.1 and returns the address. */
  listen(): Promise<string>;
  /** Takes no new requests and waits for those under way; they are cut off when the signal is aborted. */
  close(signal?: AbortSignal): Promise<void>;
}

/** The HTTP side of the shop: finds the route, reads and writes JSON, and turns errors into answers. */
export function createShopServer(options: ShopServerOptions): ShopServer {
  const { front, routes, indexPage, logger, port } = options;

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      if (url.pathname === '/' && request.method === 'GET') {
        return sendPage(response, await indexPage());
      }
      await answer(request, response, url);
    } catch (error) {
      if (error instanceof Refusal) return send(response, error.status, { error: error.message });
      logger.error({ err: error, method: request.method, url: request.url }, 'a request failed');
      send(response, 500, { error: 'Something went wrong on our side' });
    }
  };

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> => {
    const matches = routes.match(url.pathname);
    const match = matches.find(({ route }) => route.method === request.method);
    if (match) {
      const { params, route } = match;
      const value = await routes.answerFor(route.plugin, async () =>
        route.handler({
          params,
          query: url.searchParams,
          headers: request.headers,
          body: await readJson(request),
        }),
      );
      return send(response, route.method === 'POST' ? 201 : 200, value);
    }
    if (matches.length === 0) throw new Refusal(404, `There is nothing at ${url.pathname}`);
    response.setHeader('allow', matches.map(({ route }) => route.method).join(', '));
    throw new Refusal(405, `${url.pathname} does not answer to ${request.method}`);
  };

  const server = createServer(
    nodeListener(front, (request, response) => void respond(request, response)),
  );

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          server.off('error', reject);
          resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        });
      }),
    close: (signal) => closeServer(server, signal),
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitInBytes) throw new Refusal(413, `Send at most ${bodyLimitInBytes} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw badRequest('The body is not JSON');
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  // What is left of a refused body would be read as the next request.
  if (status === 413) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(value ?? null)}\n`);
}

function sendPage(response: ServerResponse, html: string): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  });
  response.end(html);
}
