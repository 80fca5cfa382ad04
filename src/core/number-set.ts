/** An immutable set of small numbers, as the bits of words: 33 is bit 1 of word 1. A copy is short, and the lowest is found fast. */
export type NumberSet = readonly number[];

const wordSize = 32;

export function toNumberSet(numbers: readonly number[]): NumberSet {
  const draft = new NumberSetDraft([]);
  for (const number of numbers) draft.add(number);
  return draft.finish();
}

/** The next version of a set in the making. It copies the set when it first changes. */
export class NumberSetDraft {
  readonly #before: NumberSet;
  #after: NumberSet;

  constructor(set: NumberSet) {
    this.#before = set;
    this.#after = set;
  }

  add(number: number): void {
    const place = Math.floor(number / wordSize);
    const words = this.#ownWords();
    while (words.length <= place) words.push(0);
    words[place] = (words[place] ?? 0) | (1 << (number % wordSize));
  }

  /** Takes the lowest number out of the set; `undefined` when it is empty. */
  takeLowest(): number | undefined {
    const place = this.#after.findIndex((word) => word !== 0);
    const word = this.#after[place];
    if (word === undefined) return undefined;
    const lowest = word & -word;
    this.#ownWords()[place] = word ^ lowest;
    return place * wordSize + 31 - Math.clz32(lowest);
  }

  /** The set with the changes so far. Call it once, at the end. */
  finish(): NumberSet {
    return this.#after;
  }

  #ownWords(): number[] {
    if (this.#after === this.#before) this.#after = [...this.#before];
    return this.#after as number[];
  }
}
