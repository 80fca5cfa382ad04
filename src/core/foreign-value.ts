import { cutText } from './printable.ts';

/**
 * Reads values of other code: an error that a plugin threw, the exports of a module. A getter or a Proxy may throw, and a
 * message may have 10 MB. No function of this file throws.
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

/** Reads one property that must be a string. */
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

/** Whether a value is an error, also of another realm, such as `node:vm`. */
export function isError(value: unknown): value is Error {
  if (isInstance(value, Error)) return true;
  try {
    return Object.prototype.toString.call(value) === '[object Error]';
  } catch {
    return false;
  }
}

/** Returns the message of anything that was thrown, as a text of limited length. */
export function readMessage(thrown: unknown): string {
  if (!isError(thrown)) return cutText(writeText(thrown));
  const message = readProperty(thrown, 'message');
  if (message === undefined) return 'an error whose message cannot be read';
  return cutText(typeof message === 'string' ? message : writeText(message));
}

/** Writes any value as text. Of an object the values are left out: they may be secrets, such as the headers of a request. */
function writeText(value: unknown): string {
  try {
    if (!isObject(value) || typeof value === 'function') return String(value);
    if (Array.isArray(value)) return `a list of ${value.length}`;
    const { message } = value as { readonly message?: unknown };
    if (typeof message === 'string') return message;
    const fields = Object.keys(value);
    const named = fields.slice(0, mostFields).join(', ') + (fields.length > mostFields ? ' …' : '');
    return fields.length === 0 ? 'an object without fields' : `an object with ${named}`;
  } catch {
    return unreadable;
  }
}

/** How many fields of a thrown object are named. */
const mostFields = 10;
const unreadable = 'a value that cannot be read';

/** The errors that Slipway makes itself, which are always readable. */
const ownErrors = new WeakSet<object>();

/** Marks an error as one of Slipway's own. */
export function trust(error: Error): void {
  ownErrors.add(error);
}

/** How many errors are read inside of one: its causes, and the errors of an AggregateError. */
export const mostErrors = 64;

/** An error with a longer stack is too long for a log. */
const longestStack = 100_000;

/**
 * Whether other code, such as a logger, can read an error safely: no property throws, its texts are strings, and neither the
 * texts nor the causes are too long.
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

/**
 * Handles the rejection of a promise that a listener or a logger returned: `hear` gets its reason. Unhandled, it would end
 * the process.
 */
export function hearRejection(returned: unknown, hear: (thrown: unknown) => void): void {
  // Nearly every listener returns nothing.
  if (returned === undefined) return;
  if (!isInstance(returned, Promise) && typeof readProperty(returned, 'then') !== 'function')
    return;
  void (async () => {
    try {
      await (returned as PromiseLike<unknown>);
    } catch (thrown) {
      hear(thrown);
    }
  })();
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

/** Whether a value can have properties. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
