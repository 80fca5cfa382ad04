import type { Place, Point } from '../chart/chart-place.ts';
import { layoutLayers, type GraphLink } from './graph-layers.ts';

/** Places for the nodes of a graph, and the points of its edges. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
  /** By {@link nameLink}. */
  readonly lines: ReadonlyMap<string, readonly Point[]>;
}

/** The name of an edge. */
export function nameLink({ from, to }: GraphLink): string {
  return `${from} ${to}`;
}

const margin = 16;
const gap = 14;
const rankGap = 64;
/** How far a line goes straight on before its arrow. */
const straight = 10;
/** Nodes without edges fill rows of this width, or of the width of the others. */
const widestRow = 780;

/** Lays a graph out from left to right. Nodes without edges stand in rows below the others. */
export function layoutGraph(
  ids: readonly string[],
  links: readonly GraphLink[],
  size: Pick<Place, 'width' | 'height'>,
): GraphLayout {
  const joined = new Set(links.flatMap(({ from, to }) => [from, to]));
  const together = ids.filter((id) => joined.has(id));
  const layers = layoutLayers(together, links, { ...size, gap, rankGap });
  const places = new Map<string, Place>();
  for (const [id, { x, y }] of layers.places) {
    places.set(id, { ...size, x: x + margin, y: y + margin });
  }
  const width = Math.max(0, ...[...places.values()].map((place) => place.x + size.width + margin));
  const height = together.length === 0 ? 0 : layers.height + 2 * margin;
  const alone = ids.filter((id) => !joined.has(id));
  const pitch = size.width + gap;
  const perRow = Math.max(1, Math.floor((Math.max(width, widestRow) - 2 * margin + gap) / pitch));
  const top = Math.max(margin, height);
  for (const [at, id] of alone.entries()) {
    const x = margin + (at % perRow) * pitch;
    const y = top + Math.floor(at / perRow) * (size.height + gap);
    places.set(id, { ...size, x, y });
  }
  const ends = [...places.values()];
  return {
    width: Math.max(0, ...ends.map((end) => end.x + end.width)) + margin,
    height: Math.max(height, ...ends.map((end) => end.y + end.height + margin)),
    places,
    lines: drawLinks(layers.inner, places),
  };
}

/**
 * The lines go from the right side of a node to the left side of the next one. At each side they are spread in the order of their
 * other ends, so that they can be told apart.
 */
function drawLinks(
  ways: ReadonlyMap<GraphLink, readonly Point[]>,
  places: ReadonlyMap<string, Place>,
): ReadonlyMap<string, readonly Point[]> {
  const links = [...ways].map(([{ from, to }, points]) => ({
    from,
    to,
    inner: points.map(({ x, y }) => ({ x: x + margin, y: y + margin })),
  }));
  type Link = (typeof links)[number];
  const spread = (side: 'from' | 'to', towards: (link: Link) => number) => {
    const heights = new Map<Link, number>();
    for (const [id, { y, height }] of places) {
      const own = links.filter((link) => link[side] === id);
      for (const [at, link] of own.toSorted((a, b) => towards(a) - towards(b)).entries()) {
        heights.set(link, y + (height * (at + 1)) / (own.length + 1));
      }
    }
    return heights;
  };
  const starts = spread('from', ({ inner, to }) => (inner[0] ?? places.get(to))?.y ?? 0);
  const ends = spread('to', ({ inner, from }) => (inner.at(-1) ?? places.get(from))?.y ?? 0);
  const lines = links.map((link) => {
    const { x = 0, width = 0 } = places.get(link.from) ?? {};
    const start = { x: x + width, y: starts.get(link) ?? 0 };
    const end = { x: places.get(link.to)?.x ?? 0, y: ends.get(link) ?? 0 };
    const into = { x: end.x - straight, y: end.y };
    return [nameLink(link), [start, ...link.inner, into, end]] as const;
  });
  return new Map(lines);
}
