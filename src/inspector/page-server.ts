import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toError } from '../core/error-record.ts';
import { BootError } from '../core/errors.ts';
import { readText } from '../core/foreign-value.ts';
import { allowInside } from './content-policy.ts';
import { EventStream } from './event-stream.ts';
import { checkSender, checkToken, readQuery } from './guard.ts';
import type { LineFeed } from './line-feed.ts';
import { readPage } from './page-file.ts';
import { tokenPage } from './token-page.ts';

/** No other machine reaches it. */
const host = '127.0.0.1';
const tokenBytes = 32;
const mostBrowsers = 16;
/** More than the browsers need, and few enough that a page of another site cannot use up the files of the process. */
const mostConnections = 64;
/** How long a request may take to arrive. */
const requestMs = 10_000;
const maxHeaderSize = 8 * 1024;
const clockMs = 5_000;

const html = 'text/html; charset=utf-8';
const plain = 'text/plain; charset=utf-8';

const sameHeaders = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  // One request for each connection: nothing can follow it and be taken for another one.
  Connection: 'close',
};

/** The policy of a page, or of an answer without scripts and styles. */
const makePolicy = (page = ''): string =>
  [...allowInside(page), "connect-src 'self'", "frame-ancestors 'none'"].join('; ');

const plainPolicy = makePolicy();
const tokenPolicy = makePolicy(tokenPage);

/** Serves the page of the inspector and the lines of one feed to the browsers of this machine. */
export class PageServer {
  readonly #feed: LineFeed;
  readonly #readNow: (() => number) | undefined;
  readonly #page = readPage();
  readonly #pagePolicy = makePolicy(this.#page);
  readonly #token = randomBytes(tokenBytes).toString('base64url');
  readonly #streams = new Set<EventStream>();
  readonly #server = createServer({
    maxHeaderSize,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    // A request without it is answered here, with all headers.
    requireHostHeader: false,
  });
  #clock: ReturnType<typeof setInterval> | undefined;
  #port = 0;

  /**
   * @param readNow Returns the ms since the start of the boot; left out for a recording from a file.
   * @throws BootError `INSPECTOR_UNAVAILABLE`
   */
  constructor(feed: LineFeed, readNow?: () => number) {
    this.#feed = feed;
    this.#readNow = readNow;
    this.#server.maxConnections = mostConnections;
    // No socket keeps the process alive, and neither does the clock.
    this.#server.on('connection', (socket) => void socket.unref());
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      this.#server.on(event, this.#answer);
    }
    this.#server.on('clientError', (_, socket) => void socket.destroy());
  }

  get url(): string {
    return `http://${host}:${this.#port}/?token=${this.#token}`;
  }

  /** @throws BootError `INSPECTOR_UNAVAILABLE` */
  async listen(port: number): Promise<void> {
    // In a cluster too it is this process that answers: the others do not know the token.
    this.#server.listen({ host, port, exclusive: true });
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      throw unavailable(port, cause);
    }
    this.#port = (this.#server.address() as AddressInfo).port;
    // A failed accept(), such as one without a free file, concerns a browser and not the process.
    this.#server.on('error', () => {});
    this.#clock = setInterval(() => {
      for (const stream of this.#streams) stream.sendNow();
    }, clockMs);
    this.#clock.unref();
  }

  unref(): void {
    this.#server.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#clock);
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  readonly #answer = (request: IncomingMessage, response: ServerResponse): void => {
    // A request that has not waited for the answer to the one before. No browser sends one.
    if (!response.socket) {
      request.socket.destroy();
      return;
    }
    for (const [name, value] of Object.entries(sameHeaders)) response.setHeader(name, value);
    const { path, token, after } = readQuery(request);
    const refusal = checkSender(request, path, this.#port);
    if (refusal) {
      if (refusal.status === 405) response.setHeader('Allow', 'GET, HEAD');
      send(response, refusal.status, plain, plainPolicy, refusal.reason);
      return;
    }
    const noToken = checkToken(token, this.#token);
    if (path === '/') {
      if (noToken) send(response, noToken.status, html, tokenPolicy, tokenPage);
      else send(response, 200, html, this.#pagePolicy, this.#page);
    } else if (noToken) {
      send(response, noToken.status, plain, plainPolicy, noToken.reason);
    } else if (this.#streams.size >= mostBrowsers) {
      const reason = `There are ${mostBrowsers} browsers connected already.`;
      send(response, 503, plain, plainPolicy, reason);
    } else {
      this.#stream(request, response, after);
    }
  };

  #stream(request: IncomingMessage, response: ServerResponse, after: string): void {
    setType(response, 200, 'text/event-stream', plainPolicy);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const stream = new EventStream(this.#feed, response, this.#readPlace(after), this.#readNow);
    this.#streams.add(stream);
    response.on('close', () => void this.#streams.delete(stream));
  }

  /**
   * The place in the feed that the reader names. One that is no place of this feed begins at the first line: its reader has seen
   * something else, and a whole recording is never wrong.
   */
  #readPlace(after: string): number {
    const place = /^\d{1,15}$/.test(after) ? Number(after) : 0;
    return place <= this.#feed.lines.length ? place : 0;
  }
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  policy: string,
  body: string,
): void {
  setType(response, status, type, policy);
  response.end(body);
}

function setType(response: ServerResponse, status: number, type: string, policy: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': policy });
}

function unavailable(port: number, cause: unknown): BootError {
  const why =
    readText(cause, 'code') === 'EADDRINUSE'
      ? 'is taken by another server'
      : `cannot be used: ${toError(cause).message}`;
  return new BootError('INSPECTOR_UNAVAILABLE', `Port ${port} of ${host} ${why}`, { cause });
}
