import { badRequest, notFound } from './refusal.ts';
import type { ShopRequest } from './routes.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The largest `integer` of PostgreSQL. */
const largestInteger = 2_147_483_647;

/** The fields of a JSON object; refuses anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw badRequest('Send a JSON object');
}

/** A text field without the blanks around it, of 1 to `longest` characters. */
export function textField(from: unknown, name: string, longest = 200): string {
  const value = fieldsOf(from)[name];
  const text = typeof value === 'string' ? value.trim() : '';
  // PostgreSQL stores no NUL in text.
  if (text !== '' && text.length <= longest && !text.includes('\0')) return text;
  throw badRequest(`Expected ${name} to be a text of 1 to ${longest} characters`);
}

export function integerField(from: unknown, name: string, least: number): number {
  const value = fieldsOf(from)[name];
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= largestInteger) {
    return Number(value);
  }
  throw badRequest(`Expected ${name} to be an integer of at least ${least}`);
}

export function choiceField<const Choice extends string>(
  from: unknown,
  name: string,
  choices: readonly Choice[],
): Choice {
  const value = fieldsOf(from)[name];
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw badRequest(`Expected ${name} to be one of ${choices.join(', ')}`);
}

export function idField(from: unknown, name: string): string {
  const value = fieldsOf(from)[name];
  if (typeof value === 'string' && uuid.test(value)) return value;
  throw badRequest(`Expected ${name} to be an id`);
}

/** The `:id` of the path; a text that cannot be an id is simply not found. */
export function idOf({ params }: ShopRequest): string {
  const id = params['id'] ?? '';
  if (uuid.test(id)) return id;
  throw notFound(`There is no ${id}`);
}
