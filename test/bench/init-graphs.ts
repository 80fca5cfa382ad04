import { setTimeout as sleep } from 'node:timers/promises';
import { serviceRef, type Plugin } from 'slipway';
import { seededRandom } from '../chaos/random.ts';
import { idOf } from './contenders/order.ts';
import { numbers } from './shapes.ts';

/** Random graphs of plugins, each of which needs only plugins before it. */
export const graphShapes = {
  layers: 'eight layers; each plugin needs one to three of the layer below',
  tree: 'each plugin needs one of those before it',
  dense: 'each plugin needs up to four of those before it',
  fan: 'a tenth of the plugins; each of the others needs one or two of them',
  lines: 'five chains side by side',
} as const;
export type GraphShape = keyof typeof graphShapes;

/** A graph of plugins whose inits take their time by a timer. */
export interface InitGraph {
  readonly shape: GraphShape;
  /** For each plugin by its number, the numbers of those it needs. */
  readonly needs: readonly (readonly number[])[];
  /** How long each init takes, in ms. */
  readonly delays: readonly number[];
}

const [shortestMs, longestMs] = [5, 50];

/** Makes the same graph for the same seed. */
export function generateGraph(shape: GraphShape, count: number, seed: string): InitGraph {
  const random = seededRandom(seed);
  const upTo = (end: number): number => random.integer(0, end - 1);
  const needs = numbers(count).map((plugin) => [
    ...new Set(chooseNeeds(shape, plugin, count, upTo)),
  ]);
  const delays = numbers(count).map(() => random.integer(shortestMs, longestMs));
  return { shape, needs, delays };
}

function chooseNeeds(
  shape: GraphShape,
  plugin: number,
  count: number,
  upTo: (end: number) => number,
): readonly number[] {
  const some = (most: number): readonly number[] => numbers(1 + upTo(most));
  switch (shape) {
    case 'layers': {
      const width = Math.ceil(count / 8);
      const below = Math.floor(plugin / width) - 1;
      return below < 0 ? [] : some(3).map(() => below * width + upTo(width));
    }
    case 'tree':
      return plugin === 0 ? [] : [upTo(plugin)];
    case 'dense':
      return plugin === 0 ? [] : some(4).map(() => upTo(plugin));
    case 'fan': {
      const hubs = Math.ceil(count / 10);
      return plugin < hubs ? [] : some(2).map(() => upTo(hubs));
    }
    default: // lines
      return plugin < 5 ? [] : [plugin - 5];
  }
}

/** The longest way through the graph, from the delays alone, in ms. */
export function findCriticalMs({ needs, delays }: InitGraph): number {
  const ends: number[] = [];
  for (const [plugin, delay] of delays.entries()) {
    const begin = Math.max(0, ...(needs[plugin] ?? []).map((needed) => ends[needed] ?? 0));
    ends.push(begin + delay);
  }
  return Math.max(...ends);
}

/** All delays together, in ms. */
export function sumDelays({ delays }: InitGraph): number {
  return delays.reduce((sum, delay) => sum + delay, 0);
}

/** The plugins of a graph, with a folder of migrations for each, or with none. */
export function toPlugins(
  { needs, delays }: InitGraph,
  folders: readonly string[] = [],
): readonly Plugin[] {
  const apis = needs.map((_, index) => serviceRef<number>(`${idOf(index)}.api`));
  return apis.map((api, index): Plugin => ({
    id: idOf(index),
    ...(folders[index] === undefined ? {} : { migrations: folders[index] }),
    deps: Object.fromEntries(
      (needs[index] ?? []).flatMap((needed) => {
        const ref = apis[needed];
        return ref ? [[`plugin${needed}`, ref] as const] : [];
      }),
    ),
    provides: { api },
    async init() {
      await sleep(delays[index]);
      return { api: index };
    },
  }));
}
