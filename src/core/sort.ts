/** A directed graph over 0…n-1: `successors[i]` lists what must come after `i`. */
export type Successors = readonly (readonly number[])[];

/**
 * Sorts topologically; among the nodes that are free, the one listed first comes first (Kahn's algorithm, 1962, over an
 * ordered frontier).
 *
 * @returns The order, or `undefined` when the graph has a cycle.
 */
export function stableTopologicalOrder(successors: Successors): readonly number[] | undefined {
  const missing = countPredecessors(successors);
  const free = missing.flatMap((count, node) => (count === 0 ? [node] : [])).toReversed();
  const order: number[] = [];
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    order.push(node);
    for (const next of successors[node] ?? []) {
      missing[next] = (missing[next] ?? 0) - 1;
      if (missing[next] === 0) insertDescending(free, next);
    }
  }
  return order.length === successors.length ? order : undefined;
}

/** Counts the predecessors of each node. */
function countPredecessors(successors: Successors): number[] {
  const counts = successors.map(() => 0);
  for (const targets of successors) {
    for (const target of targets) counts[target] = (counts[target] ?? 0) + 1;
  }
  return counts;
}

/** Reverses every edge. */
export function reverseEdges(successors: Successors): Successors {
  const reversed: number[][] = successors.map(() => []);
  successors.forEach((targets, node) => {
    for (const target of targets) reversed[target]?.push(node);
  });
  return reversed;
}

function insertDescending(sorted: number[], value: number): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) > value) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, value);
}
