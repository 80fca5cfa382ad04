/** What is looked at of a request; a fetch `Request` is one. */
export interface RequestHead {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** Answers a request, or leaves it to whoever comes next. */
export type FrontHandler = (request: RequestHead) => Response | undefined;

const beforeThePath = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** The path of a URL as it was sent: unlike `new URL()` it takes whatever a client sends, and never throws. */
export function pathOf(url: string): string {
  const [path = ''] = url.replace(beforeThePath, '').split(/[?#]/, 1);
  return path === '' ? '/' : path;
}
