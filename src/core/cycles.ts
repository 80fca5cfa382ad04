import type { Successors } from './sort.ts';

/**
 * Finds one shortest cycle through the first node of every strongly connected set of nodes (Tarjan's algorithm, 1972, without
 * recursion, so that a long chain cannot overflow the stack).
 *
 * @returns Each cycle as its nodes in the direction of the edges, the first one not repeated.
 */
export function findCycles(successors: Successors): readonly (readonly number[])[] {
  return stronglyConnected(successors)
    .map((knot) => knot.toSorted((a, b) => a - b))
    .flatMap((knot) => {
      const cycle = shortestCycle(successors, knot);
      return cycle ? [cycle] : [];
    })
    .toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

function shortestCycle(successors: Successors, knot: readonly number[]): number[] | undefined {
  const [start] = knot;
  if (start === undefined) return undefined;
  const inside = new Set(knot);
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const node of queue) {
    for (const next of successors[node] ?? []) {
      if (next === start) return pathTo(node, start, cameFrom);
      if (!inside.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return undefined;
}

function pathTo(end: number, start: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const path = [end];
  for (let node = end; node !== start;) {
    node = cameFrom.get(node) ?? start;
    path.push(node);
  }
  return path.toReversed();
}

function stronglyConnected(successors: Successors): number[][] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const knots: number[][] = [];

  for (const root of successors.keys()) {
    if (index.has(root)) continue;
    const frames = [{ node: root, edge: 0 }];
    for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
      const { node } = frame;
      if (frame.edge === 0) {
        index.set(node, index.size);
        low.set(node, index.get(node) ?? 0);
        open.push(node);
        isOpen.add(node);
      }
      const next = successors[node]?.[frame.edge];
      frame.edge += 1;
      if (next === undefined) {
        frames.pop();
        const parent = frames.at(-1);
        if (parent) lower(low, parent.node, low.get(node));
        if (low.get(node) === index.get(node)) knots.push(close(node, open, isOpen));
      } else if (!index.has(next)) {
        frames.push({ node: next, edge: 0 });
      } else if (isOpen.has(next)) {
        lower(low, node, index.get(next));
      }
    }
  }
  return knots;
}

function lower(low: Map<number, number>, node: number, value = Infinity): void {
  low.set(node, Math.min(low.get(node) ?? Infinity, value));
}

function close(root: number, open: number[], isOpen: Set<number>): number[] {
  const knot: number[] = [];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    isOpen.delete(node);
    knot.push(node);
    if (node === root) break;
  }
  return knot;
}
