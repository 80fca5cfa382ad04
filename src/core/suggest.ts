/**
 * Returns the candidate most like `name`, if one is close enough to be a typing error: at most a third of its letters are
 * missing, extra, wrong, or in the place of their neighbour.
 *
 * @example didYouMean('catlog.api', ['catalog.api', 'auth.api']) // 'catalog.api'
 */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(name.length / 3) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Finds the first key that an object should not have, and the known one that it may be a misspelling of. */
export function findUnknownKey(
  given: object,
  known: readonly string[],
): { readonly key: string; readonly meant: string | undefined } | undefined {
  const key = Object.keys(given).find((each) => !known.includes(each));
  return key === undefined ? undefined : { key, meant: didYouMean(key, known) };
}

/** The optimal string alignment distance: that of Levenshtein, where two neighbours in the wrong order are one error. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  let above = row;
  for (let i = 1; i <= from.length; i += 1) {
    const twoAbove = above;
    above = row;
    row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (above[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwapped ? (twoAbove[j - 2] ?? 0) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}
