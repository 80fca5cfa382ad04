import { asBootError, BootError } from './errors.ts';
import { readMessage, readText } from './foreign-value.ts';
import type { Plugin } from './plugin.ts';

/** The fields of a plugin, those of Checkstack's form last. */
export const pluginFields = [
  'id',
  'version',
  'migrations',
  'schemas',
  'tenants',
  'previousIds',
  'pool',
  'database',
  'deps',
  'after',
  'provides',
  'required',
  'timeouts',
  'retry',
  'init',
  'ready',
  'metadata',
  'register',
] as const;

const records: ReadonlySet<string> = new Set(['deps', 'provides', 'timeouts', 'retry']);

/**
 * Reads every field of a plugin once, so that a getter that fails later does no harm. Functions are called on the plugin
 * itself, which may be an instance of a class.
 *
 * @param name The name of the plugin in the message.
 * @throws BootError `PLUGIN_INVALID` when a field cannot be read
 */
export function readPlugin(plugin: Plugin, name: string): Plugin {
  return readable(name, plugin, () => {
    const read: Record<string, unknown> = {};
    // Unknown fields are kept, so that the check can refuse them.
    for (const field of new Set<string>([...pluginFields, ...Object.keys(plugin)])) {
      const value: unknown = Reflect.get(plugin, field);
      if (value !== undefined) read[field] = settled(plugin, field, value);
    }
    return Object.freeze(read) as unknown as Plugin;
  });
}

function settled(plugin: Plugin, field: string, value: unknown): unknown {
  if (typeof value === 'function') {
    const call = value as (...args: readonly unknown[]) => unknown;
    return (...args: readonly unknown[]): unknown => Reflect.apply(call, plugin, args);
  }
  if (Array.isArray(value) && field !== 'migrations') return [...(value as readonly unknown[])];
  return records.has(field) ? { ...(value as object) } : value;
}

/**
 * Runs code that reads a value of other code.
 *
 * @throws BootError `PLUGIN_INVALID` when a getter or a Proxy throws
 */
export function readable<T>(name: string, value: unknown, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const known = asBootError(thrown);
    if (known) throw known;
    const id = readText(value, 'id');
    const who = id === undefined || id === name ? name : `${name} (${id})`;
    throw new BootError('PLUGIN_INVALID', `${who} cannot be read: ${readMessage(thrown)}`, {
      cause: thrown,
    });
  }
}
