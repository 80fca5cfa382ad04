import type { ErrorCode } from '../../core/error-codes.ts';

// Takes the place of `core/error-codes.ts` and `core/error-record.ts` in the page, to keep it small. The page shows
// errors as the recording has them, with their hints, and of the errors that it can throw itself only the message.

export const errorCodes = {
  RECORDING_UNREADABLE: { hint: '' },
  OPTIONS_INVALID: { hint: '' },
} satisfies Partial<Record<ErrorCode, { readonly hint: string }>>;

export function problem(): never {
  throw new Error('The page checks no graph');
}

/** Returns an error of a recording, which is a record already. */
export function toPlainError<T>(error: T): T {
  return error;
}

export { toPlainError as toErrorRecord, toPlainError as toCause };

export function isLikeBootError(): boolean {
  return false;
}
