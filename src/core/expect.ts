import { toMilliseconds } from './duration.ts';
import { BootError, optionsInvalid } from './errors.ts';
import { findUnknownKey } from './suggest.ts';
import { isRecord } from './foreign-value.ts';

/** Checks one value; `undefined` has already been replaced by the default. */
export type Check<T> = (value: unknown, name: string) => T;

export const duration: Check<number> = toMilliseconds;

export const boolean: Check<boolean> = (value, name) => {
  if (typeof value === 'boolean') return value;
  throw optionsInvalid(name, 'true or false', value);
};

export function integer(from: number, to: number): Check<number> {
  return (value, name) => {
    if (Number.isInteger(value) && Number(value) >= from && Number(value) <= to)
      return Number(value);
    throw optionsInvalid(name, `an integer from ${from} to ${to}`, value);
  };
}

export function text(pattern: RegExp, expected: string): Check<string> {
  return (value, name) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw optionsInvalid(name, expected, value);
  };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Check<T> {
  return (value, name) => {
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw optionsInvalid(name, allowed.map((each) => `'${each}'`).join(' or '), value);
  };
}

export function list<T>(check: Check<T>): Check<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) throw optionsInvalid(name, 'an array', value);
    // Not map(), which skips the holes of a list.
    return Object.freeze(Array.from(value, (item: unknown, at) => check(item, `${name}[${at}]`)));
  };
}

/** Checks a list, or `'auto'`, with which Slipway decides. */
export function autoOr<T>(check: Check<T>): Check<'auto' | readonly T[]> {
  return (value, name) => {
    if (value === 'auto') return value;
    if (!Array.isArray(value)) throw optionsInvalid(name, "'auto' or an array", value);
    return list(check)(value, name);
  };
}

export function maybe<T>(check: Check<T>): Check<T | undefined> {
  return (value, name) => (value === undefined ? undefined : check(value, name));
}

/** Checks for any object, and returns it as a record. */
export const record: Check<Readonly<Record<string, unknown>>> = (value, name) => {
  if (isRecord(value)) return value;
  throw optionsInvalid(name, 'an object', value);
};

type Shape = Readonly<Record<string, readonly [check: Check<unknown>, fallback: unknown]>>;
type Checked<S extends Shape> = {
  readonly [K in keyof S]: S[K][0] extends Check<infer T> ? T : never;
};

/** Checks a group of options: every key is known, every value right, every default filled in. */
export function group<const S extends Shape>(shape: S): Check<Checked<S>> {
  return (value, name) => {
    const given = record(value ?? {}, name);
    knownKeysOnly(given, Object.keys(shape), name);
    const checked = Object.entries(shape).map(([key, [check, fallback]]) => [
      key,
      check(given[key] ?? fallback, name === '' ? key : `${name}.${key}`),
    ]);
    return Object.freeze(Object.fromEntries(checked) as Checked<S>);
  };
}

/** @throws BootError `OPTIONS_INVALID` with the first unknown key, and a similar known one. */
export function knownKeysOnly(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  name: string,
): void {
  const unknown = findUnknownKey(given, known);
  if (!unknown) return;
  const { key, meant } = unknown;
  const advice = meant === undefined ? `It has ${known.join(', ')}` : `Did you mean ${meant}?`;
  throw new BootError(
    'OPTIONS_INVALID',
    `${name === '' ? 'createBoot()' : name} has no option ${key}. ${advice}`,
  );
}
