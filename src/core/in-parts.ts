/**
 * Cuts a list into parts of at most `most`.
 *
 * @example inParts([1, 2, 3], 2) // [[1, 2], [3]]
 */
export function inParts<Item>(list: readonly Item[], most: number): readonly (readonly Item[])[] {
  const count = Math.ceil(list.length / most);
  return Array.from({ length: count }, (_, at) => list.slice(at * most, (at + 1) * most));
}
