/** Returns a function that gives numbers from 0 to below `limit`, the same ones for the same seed (mulberry32). */
export function seedRandom(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Returns the items in an order that chance decides. */
export function shuffle<T>(items: readonly T[], random: (limit: number) => number): readonly T[] {
  return items
    .map((item) => ({ item, place: random(2 ** 32) }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
