import { buildGraph, type PluginGraph } from '../core/graph.ts';
import type { BootSetup } from './boot-options.ts';
import type { KnownPlugin } from './discover/discover-plugins.ts';
import type { GatheredPlugins } from './gather-plugins.ts';
import type { Host } from './host-plugin.ts';
import { servicesSwitchedOff } from './plugin-registry.ts';

/**
 * Sorts the plugins of this boot, among the services of its host and after the host's own migrations.
 *
 * @throws BootError `GRAPH_INVALID`
 */
export function sortPlugins(
  { known, switched, warnings }: GatheredPlugins,
  { host, services, settings }: BootSetup,
): PluginGraph {
  const single = services.filter(({ ref }) => ref.kind === 'service');
  const places = new Map(known.map((each) => [each.plugin, placeOf(each)]));
  const own = host ? [host.plugin] : [];
  const graph = buildGraph([...own, ...switched.on.map(({ plugin }) => plugin)], {
    hostServices: new Set(single.map(({ ref }) => ref.id)),
    first: host?.plugin.id,
    disabledServices: servicesSwitchedOff(switched),
    takenSchemas: takenSchemas(host),
    disabledIds: switched.off.map(({ plugin }) => plugin.id),
    schemaPrefix: settings.migrations.schemaPrefix,
    placeOf: (plugin) => places.get(plugin) ?? 'the option host',
  });
  return { ...graph, warnings: [...warnings, ...graph.warnings] };
}

function takenSchemas(host: Host | undefined): ReadonlyMap<string, string> {
  return new Map([
    ['slipway', 'the registry of plugins'],
    ...(host
      ? [host.schema, host.historySchema].map((schema) => [schema, 'the host'] as const)
      : []),
  ]);
}

function placeOf({ source }: KnownPlugin): string {
  return source ? `${source.package} in ${source.path}` : 'the option plugins';
}
