interface LogMethod {
  (message: string): void;
  (fields: object, message?: string): void;
}

/** The part of a pino logger that Slipway uses; any logger with these methods will do. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger that adds `fields` to every line; without it every plugin gets the same logger. */
  child?(fields: Record<string, unknown>): Logger;
}

const nothing = (): void => {};

/** A logger that says nothing. */
export const silentLogger: Logger = Object.freeze({
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
});

/** The same logger, but one that throws harms nobody: its lines are lost, and nothing else. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (...line: readonly unknown[]): void => {
      try {
        (logger[level] as (...line: readonly unknown[]) => void)(...line);
      } catch {
        // A full disk must not take the boot down.
      }
    };
  return {
    debug: guard('debug'),
    info: guard('info'),
    warn: guard('warn'),
    error: guard('error'),
  };
}
