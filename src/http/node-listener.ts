import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { toError } from '../core/error-record.ts';
import { answer, type FrontHandler, type RequestHead } from './front-handler.ts';

/**
 * Puts fetch-style handlers before an application on `node:http`. The first handler that answers ends the request. When none
 * answers, `next` gets the request untouched, with its body unread.
 *
 * @example createServer(nodeListener([probes(boot), gate(boot)], (request, response) => app(request, response)))
 */
export function nodeListener(
  handlers: readonly FrontHandler[],
  next: RequestListener,
): RequestListener {
  const isAnswered = nodeFront(handlers);
  return (request, response) => {
    if (!isAnswered(request, response)) next(request, response);
  };
}

/**
 * The same for frameworks that bring a server of their own: a function that returns whether it has answered the request.
 *
 * @example
 * const isAnswered = nodeFront([probes(boot), gate(boot)]);
 * fastify.addHook('onRequest', (request, reply, done) => {
 *   if (isAnswered(request.raw, reply.raw)) reply.hijack();
 *   else done();
 * });
 */
export function nodeFront(
  handlers: readonly FrontHandler[],
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const given = firstAnswer(handlers, readHead(request));
    if (!given) return false;
    void send(given, response);
    return true;
  };
}

/** An error of a handler, such as a `pluginOf` of the host, would end the process here. */
function firstAnswer(handlers: readonly FrontHandler[], head: RequestHead): Response | undefined {
  try {
    for (const handler of handlers) {
      const given = handler(head);
      if (given) return given;
    }
    return undefined;
  } catch (thrown) {
    process.emitWarning(toError(thrown));
    return answer(head, 'INTERNAL_ERROR', { status: 500 });
  }
}

/** Not a `Request`: making one costs more than the handlers do, for every request of the application. */
function readHead(request: IncomingMessage): RequestHead {
  const { headers, method = 'GET', url = '/' } = request;
  return {
    method,
    get url() {
      // A proxy sends the whole URL, and `*` stands in for one in OPTIONS.
      if (!url.startsWith('/')) return url;
      return `${'encrypted' in request.socket ? 'https' : 'http'}://${readHost(headers.host)}${url}`;
    },
    headers: { get: (name) => headerText(headers[name.toLowerCase()]) },
  };
}

function readHost(given: string | undefined): string {
  return given !== undefined && URL.canParse(`http://${given}`) ? given : 'localhost';
}

function headerText(value: string | readonly string[] | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

async function send(given: Response, response: ServerResponse): Promise<void> {
  response.statusCode = given.status;
  response.setHeaders(given.headers);
  try {
    response.end(Buffer.from(await given.arrayBuffer()));
  } catch (thrown) {
    response.destroy(toError(thrown));
  }
}
