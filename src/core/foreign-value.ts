import { cutText } from './printable.ts';

/**
 * Reads what other code has made: an error that a plugin threw, the exports of a module. A getter or a Proxy may throw, and
 * a message may have 10 MB. Nothing in here throws.
 */

/** Reads one property; `undefined` when it cannot be read. */
export function readProperty(value: unknown, key: PropertyKey): unknown {
  if (!isObject(value)) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}

/** Reads one property that has to be a text. */
export function readText(value: unknown, key: PropertyKey): string | undefined {
  const text = readProperty(value, key);
  return typeof text === 'string' ? text : undefined;
}

/** Whether a value is an instance of a class. `instanceof` itself throws for a Proxy that was revoked. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** Also errors of another realm, such as those of `node:vm`. */
export function isError(value: unknown): value is Error {
  if (isInstance(value, Error)) return true;
  try {
    return Object.prototype.toString.call(value) === '[object Error]';
  } catch {
    return false;
  }
}

/** The message of anything that was thrown, as text and not too long. */
export function messageOf(thrown: unknown): string {
  if (!isError(thrown)) return cutText(textOf(thrown));
  const message = readProperty(thrown, 'message');
  if (message === undefined) return 'an error whose message cannot be read';
  return cutText(typeof message === 'string' ? message : textOf(message));
}

/** Writes any value as text. */
function textOf(value: unknown): string {
  try {
    if (!isObject(value) || typeof value === 'function') return String(value);
    return JSON.stringify(value) ?? unreadable;
  } catch {
    return unreadable;
  }
}

const unreadable = 'a value that cannot be read';

/** The errors that Slipway makes itself, which are readable from the start. */
const ownErrors = new WeakSet<object>();

/** Notes an error as one of Slipway's own. */
export function trust(error: Error): void {
  ownErrors.add(error);
}

/** How many errors are looked at in one: causes, and the errors of an AggregateError. */
export const mostErrors = 64;

/** With longer stacks than this, an error is a burden to any log. */
const longestStack = 100_000;

/**
 * Whether code that reads an error in the usual way, such as a logger, gets through: nothing in it throws, its texts are
 * texts, and neither they nor its causes are too many.
 */
export function isReadable(value: unknown, seen: Set<unknown> = new Set()): boolean {
  if (!isObject(value) || ownErrors.has(value) || seen.has(value)) return true;
  if (seen.size >= mostErrors) return false;
  seen.add(value);
  try {
    if (value instanceof Error && !hasPlainTexts(value)) return false;
    // A logger copies all of them.
    for (const key in value) void Reflect.get(value, key);
    const errors: unknown = Reflect.get(value, 'errors');
    if (Array.isArray(errors) && errors.length > mostErrors) return false;
    const inner: readonly unknown[] = Array.isArray(errors) ? errors : [];
    return [Reflect.get(value, 'cause'), ...inner].every((each) => isReadable(each, seen));
  } catch {
    return false;
  }
}

function hasPlainTexts({ name, message, stack = '' }: Error): boolean {
  const areTexts = [name, message, stack].every((text: unknown) => typeof text === 'string');
  return areTexts && cutText(message) === message && stack.length <= longestStack;
}

/** Whether a value is an object with fields: no array, no function and not null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  try {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    // A Proxy that was revoked.
    return false;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
