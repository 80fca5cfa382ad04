import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { chooseNeighbourhood } from '../../src/insight/exports/neighbourhood.ts';
import { measureText } from '../../src/insight/exports/svg-text.ts';
import { criticalChain } from '../../src/insight.ts';
import { findNext } from '../../src/inspector/page/chart/chart-place.ts';
import { layoutGraph, nameLink } from '../../src/inspector/page/graph/graph-layout.ts';
import { leaveOutImplied } from '../../src/inspector/page/graph/graph-order.ts';
import { shortenName } from '../../src/inspector/page/graph/graph-node.ts';
import { stage, tell, tellMany } from '../insight/exports/stories.ts';
import { findOverlaps } from './overlaps.ts';

const size = { width: 160, height: 42 };

/** A graph of up to 60 nodes, whose edges go from an earlier one to a later one. */
const anyGraph = fc.integer({ min: 0, max: 60 }).chain((count) =>
  fc.record({
    ids: fc.constant(Array.from({ length: count }, (_, at) => `p${at}`)),
    links: fc.uniqueArray(
      fc
        .tuple(fc.nat(Math.max(0, count - 1)), fc.nat(Math.max(0, count - 1)))
        .filter(([a, b]) => a < b)
        .map(([a, b]) => ({ from: `p${a}`, to: `p${b}` })),
      { selector: nameLink, maxLength: count < 2 ? 0 : 80 },
    ),
  }),
);

describe('the layout of the graph', () => {
  it('has a place for every plugin, apart from all others, and a line for every edge', () => {
    fc.assert(
      fc.property(anyGraph, ({ ids, links }) => {
        const { places, lines, width, height } = layoutGraph(ids, links, size);
        expect([...places.keys()].toSorted()).toEqual(ids.toSorted());
        expect(findOverlaps(places)).toEqual([]);
        for (const place of places.values()) {
          expect(place.x).toBeGreaterThanOrEqual(0);
          expect(place.x + place.width).toBeLessThanOrEqual(width);
          expect(place.y + place.height).toBeLessThanOrEqual(height);
        }
        for (const link of links) {
          const [from, to] = [places.get(link.from), places.get(link.to)];
          const points = lines.get(nameLink(link)) ?? [];
          expect(from?.x).toBeLessThan(to?.x ?? 0);
          expect(points[0]?.x).toBeCloseTo((from?.x ?? 0) + size.width);
          expect(points.at(-1)?.x).toBeCloseTo(to?.x ?? 0);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is the same for the same plugins and edges: nothing jumps while states change', () => {
    const ids = ['a', 'b', 'c'];
    const links = [{ from: 'a', to: 'b' }];
    expect(layoutGraph(ids, links, size)).toEqual(layoutGraph([...ids], [...links], size));
  });

  it('leads the arrow keys along the edges, and to every plugin', () => {
    const ids = ['auth', 'search', 'catalog', 'billing', 'mail'];
    const links = [
      { from: 'auth', to: 'billing' },
      { from: 'search', to: 'catalog' },
    ];
    const { places } = layoutGraph(ids, links, size);
    expect(findNext(places, 'auth', 'ArrowRight', new Set(['billing']))).toBe('billing');
    expect(findNext(places, 'billing', 'ArrowLeft', new Set(['auth']))).toBe('auth');
    const apart = new Map([
      ['auth', { ...size, x: 0, y: 0 }],
      ['near', { ...size, x: 200, y: 0 }],
      ['joined', { ...size, x: 200, y: 300 }],
    ]);
    expect(findNext(apart, 'auth', 'ArrowRight', new Set(['joined']))).toBe('joined');
    expect(findNext(apart, 'auth', 'ArrowRight')).toBe('near');
    expect(findNext(places, 'auth', 'ArrowLeft')).toBeUndefined();
    expect(findNext(places, 'auth', 'Enter')).toBeUndefined();
    const reached = new Set(['auth']);
    for (const id of reached) {
      for (const key of ['ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowLeft']) {
        const next = findNext(places, id, key);
        if (next !== undefined) reached.add(next);
      }
    }
    expect(reached).toEqual(new Set(ids));
  });
});

describe('the edges of the graph', () => {
  const edge = (from: string, to: string, kind: 'needs' | 'order' = 'order') => ({
    from,
    to,
    kind,
    reasons: [],
    isCritical: false,
  });
  const name = (links: readonly { readonly from: string; readonly to: string }[]) =>
    links.map(nameLink);

  it('leave an order out that others say already, and keep every need', () => {
    const edges = [
      edge('host', 'auth'),
      edge('host', 'mail'),
      edge('host', 'orders'),
      edge('auth', 'mail', 'needs'),
      edge('mail', 'orders', 'needs'),
      edge('auth', 'orders', 'needs'),
    ];
    const drawn = ['host auth', 'auth mail', 'mail orders', 'auth orders'];
    expect(name(leaveOutImplied(edges))).toEqual(drawn);
    const first = edges.map((each) =>
      each.from === 'host'
        ? {
            ...each,
            kind: 'needs' as const,
            reasons: [`${each.to} comes after host, which comes first`],
          }
        : each,
    );
    expect(name(leaveOutImplied(first))).toEqual(drawn);
    const critical = edges.map((each) => ({ ...each, isCritical: each.to === 'orders' }));
    expect(name(leaveOutImplied(critical))).toContain('host orders');
  });

  it('lead from a plugin to the same others as before', () => {
    fc.assert(
      fc.property(anyGraph, ({ ids, links }) => {
        const edges = links.map(({ from, to }) => edge(from, to));
        expect(findReached(ids, leaveOutImplied(edges))).toEqual(findReached(ids, edges));
      }),
    );
  });
});

/** The pairs of nodes of which the first leads to the second. Links go from an earlier node to a later one. */
function findReached(
  ids: readonly string[],
  links: readonly { readonly from: string; readonly to: string }[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const reached = new Map<string, Set<string>>();
  for (const id of ids.toReversed()) {
    const next = links.filter(({ from }) => from === id).map(({ to }) => to);
    const all = next.flatMap((to) => [to, ...(reached.get(to) ?? [])]);
    reached.set(id, new Set(all.toSorted()));
  }
  return reached;
}

describe('the part of a large graph that is drawn', () => {
  it('is the selected plugin with its neighbours, and the end of the critical chain', async () => {
    const story = await tellMany(300);
    const { record } = story;
    const around = 'p150';
    const { plugins, edges, note } = chooseNeighbourhood(story, 60, 150, { around: [around] });
    const ids = plugins.map(({ id }) => id);
    expect(ids.length).toBeLessThanOrEqual(60);
    const neighbours = record.edges.flatMap(({ from, to }) =>
      from === around ? to : to === around ? from : [],
    );
    const chain = criticalChain(story).flatMap(({ plugin }) => plugin ?? []);
    expect(ids).toEqual(expect.arrayContaining([around, ...neighbours, chain.at(-1)]));
    expect(edges.every(({ from, to }) => ids.includes(from) && ids.includes(to))).toBe(true);
    expect(note).toContain(`${ids.length} of 300 plugins, which are p150 with its neighbours`);
  });

  it('stays while it has the whole chain, and changes when a plugin of the chain is missing', async () => {
    const story = await tellMany(100);
    const around = ['p50'];
    const read = (kept: ReadonlySet<string>): readonly string[] =>
      chooseNeighbourhood(story, 60, 150, { around, kept }).plugins.map(({ id }) => id);
    const chain = criticalChain(story).flatMap(({ plugin }) => plugin ?? []);
    const kept = new Set([...chain, 'p50', 'p2', 'p3', 'p5']);
    expect(read(kept).toSorted()).toEqual([...kept].toSorted());
    const last = chain.at(-1) ?? '';
    kept.delete(last);
    expect(read(kept)).toContain(last);
  });

  it('is everything up to 60 plugins', async () => {
    const story = await tell(stage([{}, { needs: [0] }, {}]));
    const { plugins, note } = chooseNeighbourhood(story, 60, 150, { around: ['p0'] });
    expect(plugins).toHaveLength(3);
    expect(note).toBeUndefined();
  });
});

describe('the name of a plugin in the graph', () => {
  it('is shortened in the middle until it fits', () => {
    const name = 'a-very-long-name-of-a-plugin-that-nearly-everything-needs-v2';
    const short = shortenName(name, 210);
    expect(short).toMatch(/^a-very.*….*-v2$/);
    expect(measureText(short, 13)).toBeLessThanOrEqual(210);
    expect(shortenName('catalog', 168)).toBe('catalog');
  });
});
