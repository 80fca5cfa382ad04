import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberSetDraft, toNumberSet } from '../../src/core/number-set.ts';

it('gives its numbers in order, each once, and an old version stays as it was', () => {
  const numbers = fc.array(fc.nat(200));
  fc.assert(
    fc.property(numbers, numbers, (first, added) => {
      const set = toNumberSet(first);
      const draft = new NumberSetDraft(set);
      for (const number of added) draft.add(number);

      expect(takeAll(draft)).toEqual(sorted([...first, ...added]));
      expect(takeAll(new NumberSetDraft(set))).toEqual(sorted(first));
    }),
  );
});

function takeAll(draft: NumberSetDraft): readonly number[] {
  const all: number[] = [];
  for (let next = draft.takeLowest(); next !== undefined; next = draft.takeLowest()) all.push(next);
  return all;
}

function sorted(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}
