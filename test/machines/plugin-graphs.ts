import type { GraphNode } from '../../src/core/schedule.ts';

const names = ['a', 'b', 'c', 'd'];

/** Every graph of exactly `size` plugins in topological order, with every choice of required and optional. */
export function* pluginGraphs(size: number): Generator<readonly GraphNode[]> {
  const pairs = names
    .slice(0, size)
    .flatMap((_, to) => Array.from({ length: to }, (__, from) => ({ from, to })));
  for (const edges of choices(['none', 'needs', 'after'] as const, pairs.length)) {
    for (const required of choices([true, false], size)) {
      yield required.map((isRequired, index): GraphNode => {
        const from = (kind: 'needs' | 'after'): number[] =>
          pairs.flatMap((pair, at) => (pair.to === index && edges[at] === kind ? [pair.from] : []));
        return {
          id: names[index] ?? '',
          required: isRequired,
          needs: from('needs'),
          after: from('after'),
        };
      });
    }
  }
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
