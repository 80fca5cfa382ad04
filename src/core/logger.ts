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
