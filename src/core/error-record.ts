import type { DatabaseFault, MigrationPosition, Problem } from './error-codes.ts';
import {
  isError,
  isReadable,
  isRecord,
  readMessage,
  mostErrors,
  readProperty,
  readText,
} from './foreign-value.ts';
import { cutText } from './printable.ts';

/** An error as plain JSON, with everything that a reader of the report needs. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly plugin?: string;
  readonly phase?: string;
  readonly problems?: readonly Problem[];
  readonly position?: MigrationPosition;
  readonly database?: DatabaseFault;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
  /** The errors of an AggregateError. */
  readonly errors?: readonly ErrorRecord[];
}

/** Deeper causes are left out: they add nothing, and a chain might be endless. */
const deepest = 8;
/** How many errors of an AggregateError are kept. */
const mostSideBySide = 20;

/** Turns anything thrown into an {@link ErrorRecord}. Never throws. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  return writeRecord(thrown, [], { left: mostErrors });
}

/** Turns an error into its record; a record is returned unchanged. Never throws. */
export function toPlainError(error: Error | ErrorRecord): ErrorRecord {
  return isError(error) ? toErrorRecord(error) : error;
}

/** Turns anything thrown into an Error that can be read safely. A safe Error is returned unchanged. */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return isReadable(thrown) ? thrown : errorFrom(toErrorRecord(thrown));
  const cause = isReadable(thrown) ? { cause: thrown } : undefined;
  return new Error(readMessage(thrown), cause);
}

/** Copies what an error says: its name, message, code, stack and causes. Everything else that it holds is left behind. */
export function copyError(thrown: unknown): Error {
  return errorFrom(toErrorRecord(thrown));
}

/** Makes the cause of an error: the thrown value itself, if it can be read safely. */
export function toCause(thrown: unknown): unknown {
  return isReadable(thrown) ? thrown : toError(thrown);
}

/** Whether it is a BootError, of this copy of the package or of another one. */
export function isLikeBootError(thrown: unknown): boolean {
  const isNamed = readText(thrown, 'name') === 'BootError';
  return isNamed && ['code', 'hint'].every((key) => readText(thrown, key) !== undefined);
}

/** @param above The errors that have this one as their cause, because causes may form a circle. */
function writeRecord(
  thrown: unknown,
  above: readonly unknown[],
  budget: { left: number },
): ErrorRecord {
  budget.left -= 1;
  if (!isError(thrown) && !isLikeBootError(thrown)) {
    return { name: typeof thrown, message: readMessage(thrown) };
  }
  const path = [...above, thrown];
  const goesOn = path.length <= deepest;
  const inner = (value: unknown): ErrorRecord => writeRecord(value, path, budget);
  const cause = readProperty(thrown, 'cause');
  const errors = readProperty(thrown, 'errors');
  const code = readText(thrown, 'code');
  return {
    name: readText(thrown, 'name') ?? 'Error',
    message: isError(thrown) ? readMessage(thrown) : cutText(readText(thrown, 'message') ?? ''),
    ...(code === undefined ? {} : { code: cutText(code) }),
    ...(isLikeBootError(thrown) ? copyFacts(thrown) : {}),
    ...copyStack(thrown),
    ...(cause === undefined || !goesOn || path.includes(cause) || budget.left <= 0
      ? {}
      : { cause: inner(cause) }),
    ...(goesOn ? { ...sideBySide(errors, inner, budget) } : {}),
  };
}

/** Records the first errors of an AggregateError, and how many more there are. */
function sideBySide(
  errors: unknown,
  inner: (value: unknown) => ErrorRecord,
  budget: { readonly left: number },
): Pick<ErrorRecord, 'errors'> {
  const list = copyList(errors);
  if (list === undefined) return {};
  const kept: ErrorRecord[] = [];
  for (const each of list.slice(0, mostSideBySide)) {
    if (budget.left > 0) kept.push(inner(each));
  }
  const more = list.length - kept.length;
  const rest = more > 0 ? [{ name: 'Error', message: `… and ${more} more errors` }] : [];
  return { errors: [...kept, ...rest] };
}

function copyList(value: unknown): readonly unknown[] | undefined {
  try {
    return Array.isArray(value) ? [...(value as readonly unknown[])] : undefined;
  } catch {
    return undefined;
  }
}

/** The stack begins with the message, which may be long. */
function copyStack(thrown: unknown): Pick<ErrorRecord, 'stack'> {
  const stack = readText(thrown, 'stack');
  if (stack === undefined) return {};
  const message = readText(thrown, 'message') ?? '';
  const isCut = cutText(message) !== message;
  return { stack: cutText(isCut ? stack.replace(message, () => cutText(message)) : stack, 50_000) };
}

const texts = ['hint', 'plugin', 'phase'] as const;

/** Keeps only fields of the expected types: another copy of the package may be another version. */
function copyFacts(thrown: unknown): Partial<ErrorRecord> {
  const facts: Record<string, unknown> = {};
  for (const key of texts) facts[key] = readText(thrown, key);
  facts['problems'] = copyList(readProperty(thrown, 'problems'))?.flatMap(
    (each) => plainCopy(each) ?? [],
  );
  for (const key of ['position', 'database']) facts[key] = plainCopy(readProperty(thrown, key));
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** Copies the texts and numbers of an object: a problem, a position or a fault has nothing else. */
function plainCopy(value: unknown): object | undefined {
  if (!isRecord(value)) return undefined;
  try {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.filter(([, each]) => typeof each === 'string' || typeof each === 'number'),
    );
  } catch {
    return undefined;
  }
}

/** Makes an error from what could be read of another one. */
function errorFrom({ name, message, code, stack, cause, errors }: ErrorRecord): Error {
  const options = cause && { cause: errorFrom(cause) };
  const error = errors
    ? new AggregateError(errors.map(errorFrom), message, options)
    : new Error(message, options);
  const facts = { name, stack: stack ?? `${name}: ${message}` };
  for (const [key, value] of Object.entries(facts)) {
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  }
  return code === undefined ? error : Object.assign(error, { code });
}
