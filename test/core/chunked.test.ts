import fc from 'fast-check';
import { expect, it } from 'vitest';
import { itemAt, toChunked, withItems } from '../../src/core/schedule.ts';

it('behaves as a list whose old versions stay as they were', () => {
  const changes = fc.dictionary(fc.nat(99).map(String), fc.integer());
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 100 }), changes, (items, wanted) => {
      const list = toChunked(items);
      const inside = Object.entries(wanted)
        .map(([index, item]) => [Number(index), item] as const)
        .filter(([index]) => index < items.length);
      const changed = withItems(list, new Map(inside));
      const expected = [...items];
      for (const [index, item] of inside) expected[index] = item;
      expect(changed.flat()).toEqual(expected);
      expect(list.flat()).toEqual(items);
      items.forEach((_, index) => expect(itemAt(changed, index)).toBe(expected[index]));
    }),
  );
});
