import type { SortResult } from '../../../machines/index.ts';
import { buildGraph, type PluginGraph } from '../../core/graph.ts';
import type { Plugin } from '../../core/plugin.ts';
import { restrictNodes } from '../../core/removal.ts';
import type { RunAround } from '../around/around.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import type { KnownPlugin } from '../discover/load-package.ts';
import type { Discovered } from '../discover/discover-phase.ts';
import { schemasOnPath } from '../../postgres/survey/extension-schemas.ts';
import { mapServicesToOwners } from '../discover/registry.ts';

interface SortPhase {
  readonly sortGraph: () => Promise<SortResult>;
  /** The plugins of this launch. Empty before they are sorted. */
  readonly graph: () => PluginGraph;
}

/** The second phase: the order of the plugins. Everything that is wrong with their edges ends the launch here. */
export function sortPhase(
  { settings, emit }: RunAround,
  discovered: () => Discovered,
  up?: readonly Plugin[],
): SortPhase {
  let graph: PluginGraph = { plugins: [], nodes: [], edges: [], warnings: [] };
  return {
    graph: () => graph,
    sortGraph: async () => {
      const whole = sortPlugins(discovered(), settings, up);
      graph = setUpApart(whole, up);
      const { plugins, edges, warnings, nodes } = graph;
      emit({ type: 'graph.sorted', order: plugins.map(({ id }) => id), edges, warnings });
      return { status: 'done', nodes, allNodes: whole.nodes };
    },
  };
}

/** Keeps the plugins that are added, and all that leads to them. */
function setUpApart(whole: PluginGraph, up?: readonly Plugin[]): PluginGraph {
  if (!up) return whole;
  const isUp = new Set(up);
  const plugins = whole.plugins.filter((plugin) => !isUp.has(plugin));
  const added = new Set(plugins.map(({ id }) => id));
  return {
    plugins,
    nodes: restrictNodes(whole.nodes, added),
    edges: whole.edges.filter(({ to }) => added.has(to)),
    warnings: whole.warnings,
  };
}

/**
 * Sorts the enabled plugins of a boot, among the services of its host and after the host's own migrations.
 *
 * @param up The plugins that are up already, the host's own among them; left out before any of them is.
 * @throws BootError `GRAPH_INVALID`
 */
export function sortPlugins(
  { known, enabled, disabled, warnings }: Discovered,
  { host, services, migrations }: BootSettings,
  up?: readonly Plugin[],
): PluginGraph {
  const origins = new Map<Plugin, string>(up?.map((plugin) => [plugin, 'this boot']));
  for (const each of known) origins.set(each.plugin, describeOrigin(each, up !== undefined));
  const first = up ?? (host ? [host.plugin] : []);
  /** The schemas that no plugin can have, each with what has it. */
  const takenSchemas = new Map([['slipway', 'the registry of plugins']]);
  for (const { plugin } of disabled) {
    for (const schema of plugin.schemas ?? [])
      takenSchemas.set(schema, `the plugin ${plugin.id}, which is disabled`);
  }
  if (host) takenSchemas.set(host.schema, 'the host').set(host.historySchema, 'the host');
  const graph = buildGraph([...first, ...enabled.map(({ plugin }) => plugin)], {
    hostServices: services.map(({ ref }) => ref),
    first: host?.plugin.id,
    disabledServices: mapServicesToOwners(disabled),
    takenSchemas,
    extensionSchemas: schemasOnPath(migrations),
    disabledIds: disabled.map(({ plugin }) => plugin.id),
    schemaPrefix: migrations.schemaPrefix,
    up: new Set(up?.map(({ id }) => id)),
    findOrigin: (plugin) => origins.get(plugin) ?? 'the option host',
  });
  return { ...graph, warnings: [...warnings, ...graph.warnings] };
}

function describeOrigin({ source }: KnownPlugin, isAdded: boolean): string {
  if (source) return `${source.package} in ${source.path}`;
  return isAdded ? 'add()' : 'the option plugins';
}
