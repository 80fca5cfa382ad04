import type { ErrorCode } from '../../core/error-codes.ts';

// Takes the place of `core/errors.ts`, `core/error-codes.ts` and `core/error-record.ts` in the page, to keep it small. The page shows
// errors as the recording has them, with their hints, and of the errors that it can throw itself only the message.

/** An error with its message alone. */
export class BootError extends Error {
  constructor(_code: ErrorCode, message: string) {
    super(message);
  }
}

export function optionsInvalid(name: string, expected: string): BootError {
  return new BootError('OPTIONS_INVALID', `Expected ${name} to be ${expected}`);
}

export function problem(): never {
  throw new Error('The page checks no graph');
}

/** Returns an error of a recording, which is a record already. */
export function toPlainError<T>(error: T): T {
  return error;
}

export { toPlainError as toErrorRecord };

export function isLikeBootError(): boolean {
  return false;
}
