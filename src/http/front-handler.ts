/** The parts of a request that handlers read; a fetch `Request` has them. */
export interface RequestHead {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** Answers a request, or returns `undefined` to leave it to the next handler. */
export type FrontHandler = (request: RequestHead) => Response | undefined;

const beforeThePath = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** Reads the path of a URL as it was sent. Unlike `new URL()` it accepts any text of a client, and never throws. */
export function readPath(url: string): string {
  const [path = ''] = url.replace(beforeThePath, '').split(/[?#]/, 1);
  return path === '' ? '/' : path;
}

/** Every code in the body of an answer, with its message. The table is closed. */
export const httpCodes = {
  ALIVE: 'The process answers',
  READY: 'Every plugin is up',
  DEGRADED: 'The backend is up without some optional plugin',
  STARTING: 'The backend, or this part of it, is starting',
  STOPPING: 'The backend is shutting down',
  FAILED: 'The backend could not start',
  PLUGIN_NOT_UP: 'This part of the backend is not up',
  METHOD_NOT_ALLOWED: 'Only GET and HEAD are answered here',
  INTERNAL_ERROR: 'Something went wrong on our side',
} as const;

/** The code in the body of an answer. */
export type HttpCode = keyof typeof httpCodes;

/** The parts of an answer besides its code. */
interface AnswerParts {
  readonly status: number;
  readonly fields?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const encoder = new TextEncoder();

/** Makes a JSON answer that is never cached; without its body for HEAD. */
export function answer(
  { method }: Pick<RequestHead, 'method'>,
  code: HttpCode,
  { status, fields = {}, headers = {} }: AnswerParts,
): Response {
  const body = encoder.encode(`${JSON.stringify({ code, message: httpCodes[code], ...fields })}\n`);
  return new Response(method === 'HEAD' ? null : body, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(body.byteLength),
      'cache-control': 'no-store',
      ...headers,
    },
  });
}
