import type { Place } from '../../src/inspector/page/chart/chart-place.ts';

/** Finds the boxes of a drawing that lie on each other. */
export function findOverlaps(boxes: ReadonlyMap<string, Place>): readonly string[] {
  const all = [...boxes];
  return all.flatMap(([name, a], at) =>
    all.slice(at + 1).flatMap(([other, b]) => {
      const isApart =
        a.x + a.width <= b.x ||
        b.x + b.width <= a.x ||
        a.y + a.height <= b.y ||
        b.y + b.height <= a.y;
      return isApart ? [] : [`${name} and ${other}`];
    }),
  );
}
