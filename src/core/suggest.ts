/**
 * Returns the candidate most like `name`, if one is close enough to be a typing error (a Levenshtein distance of at most a
 * third of its length).
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

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (above[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}
