import { compareVersions, readVersion } from './compare-versions.ts';

/** The migrations from one name to another, both included: by their numbers, then by their names. One name is a range too. */
export interface NameRange {
  readonly from: string;
  readonly to: string;
}

/** A range as a squash file writes it. */
export interface ReplacedRange extends NameRange {
  /** How many files it has, when the file says so. */
  readonly count?: number;
}

/** The name of a migration as people write it: without `.sql` and `/migration.sql`. */
export function toTag(name: string): string {
  return name.replace(/(?:\/migration)?\.sql$/i, '');
}

/**
 * Whether a migration is in a range, by either of its names. An older release may have it as `0000_init` where the range has the
 * names of drizzle-kit 1.x, or as `1_init.up` where the history has `1_init`.
 */
export function hasNameWithin(
  { name, historyName }: { readonly name: string; readonly historyName: string },
  range: NameRange,
): boolean {
  return isWithin(toTag(name), range) || isWithin(historyName, range);
}

/** Whether a name of the history is in a range, which may be written with the names of files: `1_init.up` of node-pg-migrate. */
export function hasTagWithin(historyName: string, range: NameRange): boolean {
  return isWithin(historyName, range) || isWithin(`${historyName}.up`, range);
}

/** Whether a name is in a range. A range of one name has only that name. */
export function isWithin(tag: string, { from, to }: NameRange): boolean {
  if (from === to) return tag === from;
  return compareVersions(from, tag) <= 0 && compareVersions(tag, to) <= 0;
}

export function overlaps(one: NameRange, other: NameRange): boolean {
  return isWithin(one.from, other) || isWithin(one.to, other) || isWithin(other.from, one);
}

/** Whether `outer` has every name of `inner`. */
export function contains(outer: NameRange, inner: NameRange): boolean {
  return isWithin(inner.from, outer) && isWithin(inner.to, outer);
}

/** Whether names have an order that a range can use: both ends begin with a number. */
export function isNumbered({ from, to }: NameRange): boolean {
  const [one, other] = [readVersion(from), readVersion(to)];
  const hasNumbers = one.numbers.length > 0 && other.numbers.length > 0;
  return hasNumbers && one.letter === other.letter && one.rank === other.rank;
}

/** Whether a name comes after another, by their numbers and then by their names. */
export function isAfter(tag: string, other: string): boolean {
  return compareVersions(tag, other) > 0;
}

/** Numbers from here on are times rather than counted one by one: `20240102_init`. */
const firstTime = 100_000n;

/** The number that a name begins with, when files are counted by it; undefined for a time, a version like 1.2, and none. */
export function readCounter(tag: string): number | undefined {
  const [number, ...others] = readVersion(tag).numbers;
  if (number === undefined || others.length > 0 || number >= firstTime) return undefined;
  return Number(number);
}

/** For people, as a squash file writes it: `0000_init..0099_last`. */
export function describeRange({ from, to }: NameRange): string {
  return from === to ? from : `${from}..${to}`;
}
