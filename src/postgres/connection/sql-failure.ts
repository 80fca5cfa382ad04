import { sqlStateOf } from './connection-error.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { readText } from '../../core/foreign-value.ts';

/**
 * Returns an SQL expression that fails, with what the server found in the message of its error. So a check undoes the message
 * that it travels in, and still reports why.
 *
 * @param mark Separates the failures of one check from those of another; see {@link readSqlFailure}.
 * @param found An SQL expression of type json. It must not be constant, or the planner would evaluate it too early.
 */
export function failWithSql(mark: string, found: string): string {
  return `(${quoteLiteral(`${mark}: `)} || (${found})::text)::int`;
}

/** Reads what a {@link failWithSql} with this mark has found; `undefined` for any other error. */
export function readSqlFailure(mark: string, error: unknown): unknown {
  if (sqlStateOf(error) !== '22P02') return undefined;
  const found = new RegExp(`${mark}: ([[{].*[\\]}])`).exec(readText(error, 'message') ?? '')?.[1];
  return found === undefined ? undefined : (JSON.parse(found) as unknown);
}
