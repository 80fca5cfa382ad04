import type { Plugin, ServiceRef } from 'slipway';
import { shopPlugins } from '../shop.ts';
import type { Stage } from '../stage.ts';

/** A shop that has a problem. */
export interface Situation {
  /** What there is to see, in one line. */
  readonly says: string;
  /**
   * Prepares the problem, and calls `boot` with the shop's plugins. The other processes and sessions of the situation live
   * until `boot` resolves.
   */
  readonly play: (
    stage: Stage,
    boot: (plugins: readonly Plugin[]) => Promise<void>,
  ) => Promise<void>;
}

/** Adds a plugin to those of the shop, one of which needs its service. */
export function addToShop<Service>(
  plugin: Plugin,
  service: ServiceRef<Service>,
  neededBy: string,
): readonly Plugin[] {
  const others = shopPlugins.map((other) =>
    other.id === neededBy ? { ...other, deps: { ...other.deps, [plugin.id]: service } } : other,
  );
  return [plugin, ...others];
}
