/** Who depends on whom: for each plugin by its number, the numbers of those it needs. */
export type Shape = (count: number) => readonly (readonly number[])[];

/** How many of the layer before each plugin of a layer needs, at most. */
const needsPerPlugin = 3;

/** How the plugins of a backend may depend on each other. The number of edges grows with the plugins, never faster. */
export const shapes = {
  none: (count) => numbers(count).map(() => []),
  chain: (count) => numbers(count).map((plugin) => (plugin === 0 ? [] : [plugin - 1])),
  /** Ten layers; each plugin needs up to three of the layer below. */
  layers: (count) => {
    const width = Math.ceil(count / 10);
    return numbers(count).map((plugin) => {
      const below = Math.floor(plugin / width) - 1;
      if (below < 0) return [];
      const chosen = numbers(Math.min(needsPerPlugin, width));
      return chosen.map((nth) => below * width + ((plugin + nth) % width));
    });
  },
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof shapes;

/** 0 to `count` - 1. */
export function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
