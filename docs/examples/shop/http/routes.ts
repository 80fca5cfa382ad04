import type { IncomingHttpHeaders } from 'node:http';
import { serviceRef } from 'slipway';
import { badRequest } from './refusal.ts';

export interface ShopRequest {
  /** The `:name` parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON, not checked; `undefined` when nothing was sent. */
  readonly body: unknown;
}

/** Answers a request with a value that is sent as JSON. */
export type Handler = (request: ShopRequest) => unknown;

/** Where a plugin adds its routes; paths begin under `/api/<plugin>`. */
export interface Router {
  get(path: string, handler: Handler): void;
  /** Something is made: answered with 201. */
  post(path: string, handler: Handler): void;
  /**
   * Takes no more requests, and resolves when those under way are answered. For a plugin that may be removed while the shop is
   * open, in its `onStop`.
   */
  close(): Promise<void>;
}

/** The host gives every plugin a router of its own. */
export const router = serviceRef<Router>('http.router');

export type Method = 'GET' | 'POST';

export interface Route {
  readonly plugin: string;
  readonly method: Method;
  readonly path: string;
  readonly handler: Handler;
}

interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** All routes of the shop; `/products/:id` matches one path segment by name. */
export class RouteTable {
  #routes: readonly Route[] = [];
  readonly #open = new Map<string, Set<Promise<unknown>>>();

  get all(): readonly Route[] {
    return this.#routes;
  }

  /** Begins anew for a plugin that comes back: its earlier routes are gone. */
  routerFor(plugin: string): Router {
    this.#forget(plugin);
    const add = (method: Method, path: string, handler: Handler): void => {
      const route = { plugin, method, path: `/api/${plugin}${path}`, handler };
      this.#routes = [...this.#routes, route];
    };
    return {
      get: (path, handler) => add('GET', path, handler),
      post: (path, handler) => add('POST', path, handler),
      close: async () => {
        this.#forget(plugin);
        await Promise.allSettled(this.#open.get(plugin) ?? new Set<Promise<unknown>>());
      },
    };
  }

  /** Answers a request for a plugin, whose router waits for that when it is closed. */
  async answerFor<T>(plugin: string, work: () => Promise<T>): Promise<T> {
    const open = this.#open.get(plugin) ?? new Set();
    this.#open.set(plugin, open);
    const answering = work();
    open.add(answering);
    try {
      return await answering;
    } finally {
      open.delete(answering);
    }
  }

  #forget(plugin: string): void {
    this.#routes = this.#routes.filter((route) => route.plugin !== plugin);
  }

  /** Every route that fits the path, whatever its method. */
  match(pathname: string): readonly Match[] {
    const given = pathname.split('/').map(decodeSegment);
    return this.#routes.flatMap((route) => {
      const params = matchSegments(route.path.split('/'), given);
      return params ? [{ route, params }] : [];
    });
  }
}

function matchSegments(
  pattern: readonly string[],
  given: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const segment = given[index] ?? '';
    if (expected.startsWith(':') && segment !== '') params[expected.slice(1)] = segment;
    else if (expected !== segment) return undefined;
  }
  return params;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`The path holds ${segment}, which is not URL-encoded text`);
  }
}
