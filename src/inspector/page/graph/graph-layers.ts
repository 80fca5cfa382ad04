import type { Point } from '../chart/chart-place.ts';

/** An edge by the ids of its nodes. */
export interface GraphLink {
  readonly from: string;
  readonly to: string;
}

/** The size of every node, and the room between them, in px. */
export interface LayerSizes {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
  readonly rankGap: number;
}

/** The top left corner of each node, and the points of each link between its ends. All of it begins at 0, 0. */
export interface Layers {
  readonly height: number;
  readonly places: ReadonlyMap<string, Point>;
  readonly inner: ReadonlyMap<GraphLink, readonly Point[]>;
}

/** A node, or the place where a long link crosses a layer. */
interface Item {
  readonly id?: string;
  readonly rank: number;
  /** With the room that it keeps free above and below. */
  readonly height: number;
  readonly before: Item[];
  readonly after: Item[];
  /** Its middle. */
  y: number;
}

const sweeps = 12;
/** The height that a link takes where it crosses a layer. */
const linkHeight = 9;

/**
 * Lays an acyclic graph out in layers from left to right, after Sugiyama, Tagawa and Toda: each node comes behind all that lead
 * to it, each layer is ordered by the middle of the neighbours of its nodes as long as that saves crossings, and then each node
 * comes as close to its neighbours as the others in its layer let it.
 *
 * @param ids In an order in which every link leads from an earlier node to a later one. Other links are left out.
 */
export function layoutLayers(
  ids: readonly string[],
  links: readonly GraphLink[],
  sizes: LayerSizes,
): Layers {
  const order = new Map(ids.map((id, at) => [id, at]));
  const forward = links.filter(({ from, to }) => (order.get(from) ?? 0) < (order.get(to) ?? 0));
  const ranks = rank(ids, forward);
  const nodes = new Map<string, Item>();
  const layers: Item[][] = [];
  const add = (item: Item): Item => {
    (layers[item.rank] ??= []).push(item);
    return item;
  };
  for (const id of ids) {
    const place = {
      rank: ranks.get(id) ?? 0,
      height: sizes.height + sizes.gap,
      before: [],
      after: [],
      y: 0,
    };
    nodes.set(id, add({ id, ...place }));
  }
  const ways = new Map(forward.map((link) => [link, crossLayers(link, nodes, add)]));
  orderLayers(layers);
  placeLayers(layers);
  const x = ({ rank: at }: Item): number => at * (sizes.width + sizes.rankGap);
  const all = layers.flat();
  const top = Math.min(...all.map(({ y, height }) => y - height / 2));
  return {
    height: Math.max(...all.map(({ y, height }) => y + height / 2)) - top,
    places: new Map(
      [...nodes].map(([id, item]) => [id, { x: x(item), y: item.y - sizes.height / 2 - top }]),
    ),
    inner: new Map(
      [...ways].map(([link, items]) => [
        link,
        items.flatMap((item) => [
          { x: x(item), y: item.y - top },
          { x: x(item) + sizes.width, y: item.y - top },
        ]),
      ]),
    ),
  };
}

/** The layer of each node: right behind the last that leads to it. What nothing leads to comes right before the first it leads to. */
function rank(ids: readonly string[], links: readonly GraphLink[]): ReadonlyMap<string, number> {
  const ranks = new Map(ids.map((id) => [id, 0]));
  const at = (id: string): number => ranks.get(id) ?? 0;
  for (const id of ids) {
    for (const { from, to } of links) if (from === id) ranks.set(to, Math.max(at(to), at(id) + 1));
  }
  const led = new Set(links.map(({ to }) => to));
  for (const id of ids) {
    const next = links.filter(({ from }) => from === id).map(({ to }) => at(to));
    if (!led.has(id) && next.length > 0) ranks.set(id, Math.min(...next) - 1);
  }
  return ranks;
}

/** Joins the ends of a link by an item in each layer between them. */
function crossLayers(
  { from, to }: GraphLink,
  nodes: ReadonlyMap<string, Item>,
  add: (item: Item) => Item,
): readonly Item[] {
  const [start, end] = [nodes.get(from), nodes.get(to)];
  if (!start || !end) return [];
  const way: Item[] = [];
  for (let at = start.rank + 1; at < end.rank; at += 1) {
    way.push(add({ rank: at, height: linkHeight, before: [], after: [], y: 0 }));
  }
  const all = [start, ...way, end];
  for (const [at, item] of all.slice(1).entries()) {
    all[at]?.after.push(item);
    item.before.push(all[at] ?? start);
  }
  return way;
}

/** Orders every layer by the layer before it and then by the one behind it, several times, and keeps the best order. */
function orderLayers(layers: Item[][]): void {
  let best = layers.map((layer) => [...layer]);
  let fewest = countCrossings(layers);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep += 1) {
    const isForward = sweep % 2 === 0;
    for (const layer of isForward ? layers : layers.toReversed()) {
      number(layers);
      const wished = new Map(layer.map((item) => [item, middle(item, isForward) ?? item.y]));
      layer.sort((a, b) => (wished.get(a) ?? 0) - (wished.get(b) ?? 0));
    }
    const crossings = countCrossings(layers);
    if (crossings >= fewest) continue;
    fewest = crossings;
    best = layers.map((layer) => [...layer]);
  }
  layers.splice(0, layers.length, ...best);
}

/** Until they have their heights, items are as high as they are far down in their layer. */
function number(layers: readonly (readonly Item[])[]): void {
  for (const layer of layers) for (const [at, item] of layer.entries()) item.y = at / layer.length;
}

function middle({ before, after }: Item, isForward: boolean): number | undefined {
  const near = isForward ? before : after;
  return near.length === 0 ? undefined : near.reduce((sum, { y }) => sum + y, 0) / near.length;
}

function countCrossings(layers: readonly (readonly Item[])[]): number {
  number(layers);
  let crossings = 0;
  for (const layer of layers) {
    const ends = layer.flatMap(({ y, after }) => after.map((next) => ({ from: y, to: next.y })));
    for (const [at, a] of ends.entries()) {
      for (const b of ends.slice(at + 1)) {
        if ((a.from - b.from) * (a.to - b.to) < 0) crossings += 1;
      }
    }
  }
  return crossings;
}

function placeLayers(layers: readonly (readonly Item[])[]): void {
  for (const layer of layers) spread(layer, () => undefined);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const isForward = sweep % 2 === 0;
    for (const layer of isForward ? layers : layers.toReversed()) {
      spread(layer, (item) => middle(item, isForward) ?? middle(item, !isForward));
    }
  }
}

/** A run of items that touch each other, and the sum of the tops that they wish for the first of them, each with its weight. */
interface Run {
  readonly items: Item[];
  readonly wished: number;
  readonly weight: number;
}

/** A long link stays straight before a node comes close to its neighbours. */
const linkWeight = 4;

/**
 * Places a layer so that each item is as close as it can be to the height that it wishes for, and none overlap: runs of items
 * that would overlap share the mean of their wishes ("pool adjacent violators").
 */
function spread(layer: readonly Item[], wish: (item: Item) => number | undefined): void {
  const offsets = new Map<Item, number>();
  let offset = 0;
  for (const [at, item] of layer.entries()) {
    const last = layer[at - 1];
    if (last) offset += last.height / 2 + item.height / 2;
    offsets.set(item, offset);
  }
  const runs: Run[] = [];
  for (const item of layer) {
    const weight = item.id === undefined ? linkWeight : 1;
    const top = (wish(item) ?? item.y) - (offsets.get(item) ?? 0);
    let run: Run = { items: [item], wished: top * weight, weight };
    for (let last = runs.at(-1); last && mean(last) > mean(run); last = runs.at(-1)) {
      runs.pop();
      run = {
        items: [...last.items, ...run.items],
        wished: last.wished + run.wished,
        weight: last.weight + run.weight,
      };
    }
    runs.push(run);
  }
  for (const run of runs) {
    for (const item of run.items) item.y = mean(run) + (offsets.get(item) ?? 0);
  }
}

function mean({ wished, weight }: Run): number {
  return wished / weight;
}
