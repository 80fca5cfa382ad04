import { hearRejection, readProperty } from './foreign-value.ts';

interface LogMethod {
  (message: string): void;
  (fields: object, message?: string): void;
}

/** The part of a pino logger that Slipway uses; any logger with these methods works. */
export interface Logger {
  /** For single statements; a logger without it gets them at `debug`. */
  readonly trace?: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** Whether lines of a level are written. A logger with it does not get the others, which saves the work of wording them. */
  isLevelEnabled?(level: string): boolean;
  /** A logger that adds `fields` to every line; without it every plugin gets the same logger. */
  child?(fields: Record<string, unknown>): Logger;
}

const nothing = (): void => {};

/** A logger that writes nothing. */
export const silentLogger: Logger = Object.freeze({
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
});

/**
 * Wraps a logger so that none of its methods can harm the caller: when one throws or rejects, the error and the line are
 * dropped. Loggers that it makes, such as children, are wrapped too.
 */
export function guardLogger(logger: Logger): Logger {
  const guarded = new Map<PropertyKey, unknown>();
  // The target is empty, because a proxy of a frozen logger would have to return its own methods.
  return new Proxy({} as Logger, {
    get: (_, key) => {
      const found = readProperty(logger, key);
      if (typeof found !== 'function') return found;
      if (!guarded.has(key)) guarded.set(key, guardMethod(logger, key));
      return guarded.get(key);
    },
    has: (_, key) => readProperty(logger, key) !== undefined,
    set: (_, key, value) => Reflect.set(logger, key, value),
  });
}

function guardMethod(logger: Logger, key: PropertyKey): (...args: readonly unknown[]) => unknown {
  return (...args) => {
    try {
      const method = Reflect.get(logger, key) as (...args: readonly unknown[]) => unknown;
      const result = Reflect.apply(method, logger, args);
      hearRejection(result, () => undefined);
      const isChild = key === 'child' && typeof readProperty(result, 'info') === 'function';
      return isChild ? guardLogger(result as Logger) : result;
    } catch {
      // A full disk must not end the boot.
      return undefined;
    }
  };
}
