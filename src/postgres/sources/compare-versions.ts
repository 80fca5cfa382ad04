/**
 * Compares two names of plain SQL files: by their numbers, of any length, so that `10_more` comes after `9_some`. Names
 * without a number come after those, by the alphabet, but `V10__more` after `V2__some`; Flyway's repeatable files, `R__views`,
 * come last.
 */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [readVersion(one), readVersion(other)];
  if (a.rank !== b.rank) return a.rank - b.rank;
  const byNumber = a.letter === b.letter ? compareNumbers(a.numbers, b.numbers) : 0;
  if (byNumber !== 0) return byNumber;
  return compareNames(one, other);
}

interface Version {
  /** Versions first, then names without one, then repeatable files. */
  readonly rank: 0 | 1 | 2;
  /** The one letter in front of the number. */
  readonly letter: string;
  readonly numbers: readonly bigint[];
}

/** A `_` is part of the number only where `__` ends it, as in Flyway: `V1_2__some`. In `1_2nd_try` the number is 1. */
const versioned = /^(?<letter>[a-z]?)(?:(?<parts>\d+(?:[._]\d+)*)__|(?<number>\d+(?:\.\d+)*))/i;

export function readVersion(name: string): Version {
  const { letter = '', parts, number } = versioned.exec(name)?.groups ?? {};
  const digits = parts ?? number ?? '';
  const numbers = digits === '' ? [] : digits.split(/[._]/).map(BigInt);
  if (name.startsWith('R__')) return { rank: 2, letter: '', numbers };
  return { rank: digits !== '' && letter === '' ? 0 : 1, letter, numbers };
}

/** Compares numbers of any length, part by part; a missing part is 0. */
export function compareNumbers(one: readonly bigint[], other: readonly bigint[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at += 1) {
    const [a, b] = [one[at] ?? 0n, other[at] ?? 0n];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

/** Compares names by their characters. */
export function compareNames(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
