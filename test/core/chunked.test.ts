import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkedDraft, toChunked } from '../../src/core/chunked.ts';

it('behaves as a list whose old versions stay as they were', () => {
  const changes = fc.dictionary(fc.nat(99).map(String), fc.integer());
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 100 }), changes, (items, wanted) => {
      const list = toChunked(items);
      const inside = Object.entries(wanted)
        .map(([index, item]) => [Number(index), item] as const)
        .filter(([index]) => index < items.length);
      const draft = new ChunkedDraft(list);
      for (const [index, item] of inside) draft.set(index, item);
      const expected = [...items];
      for (const [index, item] of inside) expected[index] = item;
      items.forEach((_, index) => expect(draft.get(index)).toBe(expected[index]));
      expect(draft.finish().flat()).toEqual(expected);
      expect(list.flat()).toEqual(items);
    }),
  );
});
