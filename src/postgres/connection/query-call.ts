import type { ClientQuery } from './connection.ts';
import { isRecord } from '../../core/foreign-value.ts';

/** All that pg reads of a query config, text and callbacks aside. */
const fields = [
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

/**
 * Reads the arguments of pg's `query()`, a text or a config and perhaps values, into a config of our own.
 *
 * @throws TypeError for anything else, such as a cursor or a stream.
 */
export function readQuery([query, values]: readonly unknown[]): ClientQuery {
  const given = typeof query === 'string' ? { text: query } : query;
  if (!isConfig(given)) throw notAQuery();
  // One by one: libraries make configs whose fields are getters of a class.
  const config: Record<string, unknown> & { text: string } = { text: given.text };
  for (const field of fields) {
    const value = given[field];
    if (value !== undefined) config[field] = value;
  }
  const all = values ?? config.values;
  if (all == null) return config;
  if (!Array.isArray(all)) throw new TypeError('Expected the values of a query to be an array');
  config['values'] = [...(all as readonly unknown[])];
  return config;
}

/** A call of pg's `query()`. */
export interface QueryCall {
  readonly text: string;
  /** The text or the config, which pg copies. */
  readonly query: string | ClientQuery;
  readonly values: unknown[] | undefined;
}

/**
 * Reads the arguments of pg's `query()` only as far as the text.
 *
 * @throws TypeError for anything else than a text or a config.
 */
export function readCall([query, values]: readonly unknown[]): QueryCall {
  if (typeof query === 'string') return { text: query, query, values: values as unknown[] };
  if (!isConfig(query)) throw notAQuery();
  return {
    text: query.text,
    query,
    values: (values ?? query.values ?? undefined) as unknown[] | undefined,
  };
}

function notAQuery(): TypeError {
  return new TypeError('query() takes a text or a query config, with values');
}

/** A cursor, a stream, or a query object of pg: it sends itself. */
export function isSubmittable(query: unknown): query is { readonly submit: unknown } {
  return isRecord(query) && 'submit' in query;
}

function isConfig(value: unknown): value is ClientQuery & Readonly<Record<string, unknown>> {
  return isRecord(value) && !isSubmittable(value) && typeof value['text'] === 'string';
}

type Callback<Result> = (error: Error | undefined, result?: Result) => void;

/**
 * pg's two ways to be called: with a callback, or for a promise. The callback is the last function among the arguments, or the
 * `callback` of the query itself: of a config, or of a query object.
 *
 * @param run Gets the arguments without the callback.
 */
export function answer(
  run: (args: readonly unknown[]) => Promise<unknown>,
  args: readonly unknown[],
): Promise<unknown> | undefined {
  const callback = args.findLast(isCallback) ?? findCallback(args[0]);
  const plain = args.filter((arg) => !isCallback(arg));
  if (!callback) return run(plain);
  void reply(run(plain), callback);
  return undefined;
}

/** Whether the arguments bring a callback along. */
export function hasCallback(args: readonly unknown[]): boolean {
  return args.some(isCallback) || findCallback(args[0]) !== undefined;
}

/** Calls the callback with the outcome, outside of the promise: as with pg, an error that it throws is not the query's. */
export async function reply<Result>(
  work: Promise<Result>,
  callback: Callback<Result>,
): Promise<void> {
  let answered: () => void;
  try {
    const result = await work;
    answered = () => callback(undefined, result);
  } catch (error) {
    answered = () => callback(error as Error);
  }
  process.nextTick(answered);
}

function isCallback(value: unknown): value is Callback<unknown> {
  return typeof value === 'function';
}

function findCallback(query: unknown): Callback<unknown> | undefined {
  if (!isRecord(query)) return undefined;
  const { callback } = query;
  return isCallback(callback) ? callback : undefined;
}
