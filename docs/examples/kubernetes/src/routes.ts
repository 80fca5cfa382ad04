import type { IncomingMessage } from 'node:http';
import { serviceRef } from 'slipway';

/** What a route answers is sent as JSON. */
export type Route = (request: IncomingMessage) => Promise<unknown>;

/** The routes of the backend: `GET /api/guestbook` belongs to the plugin `guestbook`. */
export const router = serviceRef<Map<string, Route>>('http.router');
