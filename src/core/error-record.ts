import type { DatabaseFault, MigrationPosition, Problem } from './error-codes.ts';

/** An error as plain JSON: nothing is lost that a reader of the report needs. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly plugin?: string;
  readonly problems?: readonly Problem[];
  readonly position?: MigrationPosition;
  readonly database?: DatabaseFault;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
  /** The errors of an AggregateError. */
  readonly errors?: readonly ErrorRecord[];
}

/** Deeper causes than this say nothing more, and might never end. */
const deepest = 8;

/** Turns anything thrown into an {@link ErrorRecord}. */
export function toErrorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (!(thrown instanceof Error)) return { name: typeof thrown, message: textOf(thrown) };
  const inner = (value: unknown): ErrorRecord => toErrorRecord(value, depth + 1);
  const goesOn = depth < deepest;
  return {
    name: thrown.name,
    message: thrown.message,
    ...('code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {}),
    ...factsOf(thrown),
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...(thrown.cause === undefined || !goesOn ? {} : { cause: inner(thrown.cause) }),
    ...(thrown instanceof AggregateError && goesOn ? { errors: thrown.errors.map(inner) } : {}),
  };
}

/** Turns anything thrown into an Error; what already is one stays the same. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOf(thrown), { cause: thrown });
}

const factNames = ['hint', 'plugin', 'problems', 'position', 'database'] as const;

function factsOf(error: Error): Partial<ErrorRecord> {
  const names = error.name === 'BootError' ? factNames : [];
  return Object.fromEntries(
    names
      .map((name) => [name, Reflect.get(error, name) as unknown] as const)
      .filter(([, value]) => value !== undefined),
  );
}

function textOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  try {
    return JSON.stringify(thrown);
  } catch {
    return 'an object that cannot be written';
  }
}
