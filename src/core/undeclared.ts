import { BootError } from './errors.ts';
import type { Plugin } from './plugin.ts';

/** Makes the error for a plugin that asks for something that it has not declared. */
export function undeclared(plugin: string, name: string): BootError {
  return new BootError(
    'SERVICE_UNDECLARED',
    `${plugin} asked for ${name}, which is not in its deps`,
    { plugin, phase: 'initAll' },
  );
}

/** Lists the keys of all services in the definitions of plugins, those that they need and those that they provide. */
export function listServiceKeys(plugins: readonly Plugin[]): ReadonlySet<string> {
  return new Set(
    plugins.flatMap(({ deps = {}, provides = {} }) => [
      ...Object.keys(deps),
      ...Object.keys(provides),
    ]),
  );
}

/**
 * Makes the argument of a plugin's `init` throw `SERVICE_UNDECLARED` for a key that only other plugins have declared. Other
 * unknown keys are `undefined`: a console, for one, reads many keys of every object. Only keys that the object lacks reach its
 * prototype, so a declared one is read as fast as before.
 *
 * @returns The same object.
 */
export function explainUndeclared<T extends object>(
  plugin: string,
  context: T,
  keys: ReadonlySet<string>,
): T {
  const prototype = new Proxy(Object.prototype, {
    get(target, key, receiver) {
      if (typeof key === 'string' && keys.has(key)) throw undeclared(plugin, key);
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  return Object.setPrototypeOf(context, prototype) as T;
}
