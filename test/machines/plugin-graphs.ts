import type { GraphNode } from '../../src/core/schedule.ts';

const names = ['a', 'b', 'c', 'd', 'e'];

type EdgeKind = 'none' | 'needs' | 'after';
const edgeKinds: readonly EdgeKind[] = ['none', 'needs', 'after'];

/** Every graph of exactly `size` plugins in topological order, with every choice of required and optional. */
export function* pluginGraphs(size: number): Generator<readonly GraphNode[]> {
  for (const edges of choices(edgeKinds, countPairs(size))) {
    for (const required of choices([true, false], size)) yield createGraph(edges, required);
  }
}

const distinct = new Map<number, readonly (readonly GraphNode[])[]>();

/** As {@link pluginGraphs}, but of the graphs that differ only in the names of their plugins only the first. */
export function distinctGraphs(size: number): readonly (readonly GraphNode[])[] {
  const known = distinct.get(size);
  if (known) return known;
  const seen = new Set<string>();
  const orders = listOrders(size);
  const graphs = [...pluginGraphs(size)].filter((nodes) => {
    if (orders.some((order) => seen.has(describeShape(nodes, order)))) return false;
    seen.add(describeShape(nodes, orders[0] ?? []));
    return true;
  });
  distinct.set(size, graphs);
  return graphs;
}

/** Graphs of exactly `size` plugins, always the same for one seed. */
export function* sampleGraphs(
  size: number,
  count: number,
  seed: number,
): Generator<readonly GraphNode[]> {
  const random = createRandom(seed);
  const pick = <T>(options: readonly T[], times: number): T[] =>
    Array.from({ length: times }, () => options[Math.floor(random() * options.length)] as T);
  for (let number = 0; number < count; number += 1) {
    yield createGraph(pick(edgeKinds, countPairs(size)), pick([true, false], size));
  }
}

/** The most plugins that no edge joins: more never run at once. */
export function countSideBySide(nodes: readonly GraphNode[]): number {
  const isApart = (set: readonly GraphNode[]): boolean =>
    set.every(({ needs, after }) =>
      [...needs, ...after].every((index) => !set.includes(nodes[index] as GraphNode)),
    );
  return Math.max(0, ...subsets(nodes).map((set) => (isApart(set) ? set.length : 0)));
}

function countPairs(size: number): number {
  return (size * (size - 1)) / 2;
}

/** One edge for each pair of plugins, from the earlier to the later one. */
function createGraph(
  edges: readonly EdgeKind[],
  required: readonly boolean[],
): readonly GraphNode[] {
  return required.map((isRequired, index): GraphNode => {
    const from = (kind: EdgeKind): number[] =>
      Array.from({ length: index }, (_, earlier) => earlier).filter(
        (earlier) => edges[countPairs(index) + earlier] === kind,
      );
    return {
      id: names[index] ?? '',
      required: isRequired,
      needs: from('needs'),
      after: from('after'),
    };
  });
}

/** A graph without names, when its plugins are listed in this order. */
function describeShape(nodes: readonly GraphNode[], order: readonly number[]): string {
  const places = (indices: readonly number[]): string =>
    indices
      .map((index) => order.indexOf(index))
      .toSorted((a, b) => a - b)
      .join('');
  return order
    .flatMap((index) => nodes[index] ?? [])
    .map(({ required, needs, after }) => `${required} ${places(needs)} ${places(after)}`)
    .join();
}

function listOrders(size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  const last = size - 1;
  return listOrders(last).flatMap((order) =>
    Array.from({ length: size }, (_, place) => order.toSpliced(place, 0, last)),
  );
}

/** Numbers from 0 to 1 (mulberry32, by Tommy Ettinger). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every set of these. */
export function subsets<T>(items: readonly T[]): readonly (readonly T[])[] {
  return [...choices([false, true], items.length)].map((picked) =>
    items.filter((_, index) => picked[index]),
  );
}

function* choices<T>(options: readonly T[], count: number): Generator<readonly T[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (const rest of choices(options, count - 1)) {
    for (const option of options) yield [...rest, option];
  }
}
