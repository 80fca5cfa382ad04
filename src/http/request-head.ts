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
