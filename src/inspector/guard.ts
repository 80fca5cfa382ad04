import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** An answer that gives nothing away. */
export interface Refusal {
  readonly status: 401 | 403 | 404 | 405;
  readonly reason: string;
}

/** The target of a request. */
export interface Query {
  readonly path: string;
  /** Empty when there is none. */
  readonly token: string;
  /** How many lines the reader has already, as it says. */
  readonly after: string;
}

/**
 * Reads the target of a request as it was sent. Nothing is decoded or shortened in it: a path that is written in another way is
 * another path.
 */
export function readQuery({ url = '', headers }: IncomingMessage): Query {
  const [path = '', ...rest] = url.split('?');
  const query = new URLSearchParams(rest.join('?'));
  // The browser repeats the address when it connects again, and only this header is new.
  const lastId = headers['last-event-id'];
  const after = typeof lastId === 'string' ? lastId : (query.get('after') ?? '');
  return { path, token: query.get('token') ?? '', after };
}

/**
 * Checks that a request comes from the page itself or from the person at this machine. A page of another site can send requests
 * to this port too: it has a foreign `Origin` or `Sec-Fetch-Site`, and after DNS rebinding a foreign `Host`.
 */
export function checkSender(
  request: IncomingMessage,
  path: string,
  port: number,
): Refusal | undefined {
  const { headers, method = '' } = request;
  const host = readHost(request);
  if (host === undefined || !isOurs(host, port)) {
    return forbid(`the header Host has to be 127.0.0.1:${port} or localhost:${port}`);
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) {
    return forbid('the request comes from another origin');
  }
  if (isFromElsewhere(headers, path)) return forbid('the request comes from another site');
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, reason: 'There is only GET and HEAD here.' };
  }
  if (path === '/' || path === '/events') return undefined;
  return { status: 404, reason: 'There is no such page.' };
}

export function checkToken(given: string, token: string): Refusal | undefined {
  if (given === '') return { status: 401, reason: 'The token is missing.' };
  return isSame(given, token) ? undefined : { status: 403, reason: 'The token is wrong.' };
}

/** Two of them are a trick: another program in between may have read the other one. */
function readHost({ rawHeaders, headers }: IncomingMessage): string | undefined {
  const names = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  return names.length === 1 ? headers.host?.toLowerCase() : undefined;
}

function isOurs(host: string, port: number): boolean {
  // A browser leaves out the port of its scheme.
  return ['127.0.0.1', 'localhost', '[::1]'].some(
    (name) => host === `${name}:${port}` || (port === 80 && host === name),
  );
}

/**
 * A link may lead to the page from anywhere: terminals and chats are web pages too, and the link has the token or gets nothing.
 * The other site sees nothing of the page then. Everything else comes from the page itself.
 */
function isFromElsewhere(headers: IncomingHttpHeaders, path: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'none' || site === 'same-origin') return false;
  const isLink =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(isLink && path === '/');
}

function forbid(reason: string): Refusal {
  return { status: 403, reason: `Refused: ${reason}.` };
}

/** Takes the same time wherever they differ: by the time it takes, the token cannot be found letter by letter. */
function isSame(given: string, token: string): boolean {
  const [one, other] = [given, token].map((text) => createHash('sha256').update(text).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
