import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ServeOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly port: number;
  readonly hostname: string;
}

/**
 * Serves a fetch-style application on `node:http`. In an application of yours, `serve` of `@hono/node-server` does it; these
 * lines stand in for it, so that the example needs no package but Hono.
 */
export function serve({ fetch, port, hostname }: ServeOptions, onListening: () => void): Server {
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    try {
      const response = await fetch(toRequest(incoming));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      if (response.body) await pipeline(Readable.fromWeb(response.body), outgoing);
      else outgoing.end();
    } catch (error) {
      console.error(error);
      outgoing.destroy();
    }
  };
  const server = createServer((incoming, outgoing) => void respond(incoming, outgoing));
  return server.listen(port, hostname, onListening);
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/', headers } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(`http://${headers.host ?? 'localhost'}${url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    ...(hasBody ? { body: ReadableStream.from(incoming), duplex: 'half' } : {}),
  });
}
