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
  readonly #routes: Route[] = [];

  get all(): readonly Route[] {
    return this.#routes;
  }

  routerFor(plugin: string): Router {
    const add = (method: Method, path: string, handler: Handler): void => {
      this.#routes.push({ plugin, method, path: `/api/${plugin}${path}`, handler });
    };
    return {
      get: (path, handler) => add('GET', path, handler),
      post: (path, handler) => add('POST', path, handler),
    };
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
