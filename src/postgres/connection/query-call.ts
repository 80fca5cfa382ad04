import type { ClientQuery } from './connection.ts';
import { isRecord } from '../../core/foreign-value.ts';

/** All that pg reads of a query config, callbacks aside. */
const fields = [
  'text',
  'values',
  'name',
  'rowMode',
  'types',
  'rows',
  'binary',
  'portal',
  'queryMode',
  'query_timeout',
] as const;

/** A query config of a user: the text, and what else pg takes along. */
export interface GivenQuery extends ClientQuery {
  /** Of a prepared statement. */
  name?: string;
}

/**
 * Reads the arguments of pg's `query()`, a text or a config and perhaps values, into a config of our own.
 *
 * @throws TypeError for anything else, such as a cursor or a stream.
 */
export function readQuery([query, values]: readonly unknown[]): GivenQuery {
  const given = typeof query === 'string' ? { text: query } : query;
  if (!isConfig(given)) {
    throw new TypeError('query() takes a text or a query config, with values');
  }
  // One by one: libraries make configs whose fields are getters of a class.
  const config = Object.fromEntries(
    fields.flatMap((field) => (given[field] === undefined ? [] : [[field, given[field]]])),
  ) as Record<string, unknown> & GivenQuery;
  const all = values ?? config.values;
  if (all == null) return config;
  if (!Array.isArray(all)) throw new TypeError('Expected the values of a query to be an array');
  return { ...config, values: [...(all as readonly unknown[])] };
}

/** A cursor, a stream, or a query object of pg: it sends itself. */
export function isSubmittable(query: unknown): query is { readonly submit: unknown } {
  return isRecord(query) && 'submit' in query;
}

function isConfig(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && !isSubmittable(value) && typeof value['text'] === 'string';
}
