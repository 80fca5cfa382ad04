import { sqlStateOf } from './connection-error.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { readText } from '../../core/foreign-value.ts';

/**
 * An SQL expression that fails and takes what the server found along in the message of its error: so a check can undo the
 * message that it travels in, and still say why.
 *
 * @param mark Told apart by it in {@link toldBy}.
 * @param found An SQL expression of type json. It must not be constant, or the planner would try it too early.
 */
export function failTelling(mark: string, found: string): string {
  return `(${quoteLiteral(`${mark}: `)} || (${found})::text)::int`;
}

/** What a {@link failTelling} with this mark found; `undefined` for any other error. */
export function toldBy(mark: string, error: unknown): unknown {
  if (sqlStateOf(error) !== '22P02') return undefined;
  const found = new RegExp(`${mark}: ([[{].*[\\]}])`).exec(readText(error, 'message') ?? '')?.[1];
  return found === undefined ? undefined : (JSON.parse(found) as unknown);
}
