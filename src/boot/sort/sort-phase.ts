import type { Tasks } from '../../../machines/index.ts';
import { buildGraph, type PluginGraph } from '../../core/graph.ts';
import type { RunAround } from '../around/around.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import type { KnownPlugin } from '../discover/load-package.ts';
import type { Discovered } from '../discover/discover-phase.ts';
import { mapServicesToOwners } from '../discover/registry.ts';

interface SortPhase {
  readonly tasks: Pick<Tasks, 'sort'>;
  /** Empty before its task is done. */
  readonly graph: () => PluginGraph;
}

/** The second phase: the order of the plugins. Everything that is wrong with their edges ends the boot here. */
export function sortPhase(
  { settings, emit, task }: RunAround,
  discovered: () => Discovered,
): SortPhase {
  let graph: PluginGraph = { plugins: [], nodes: [], edges: [], warnings: [] };
  return {
    graph: () => graph,
    tasks: {
      sort: task('sort', async () => {
        graph = sortPlugins(discovered(), settings);
        const { plugins, edges, warnings, nodes } = graph;
        emit({ type: 'graph.sorted', order: plugins.map(({ id }) => id), edges, warnings });
        return { status: 'done', nodes };
      }),
    },
  };
}

/**
 * Sorts the enabled plugins of a boot, among the services of its host and after the host's own migrations.
 *
 * @throws BootError `GRAPH_INVALID`
 */
export function sortPlugins(
  { known, enabled, disabled, warnings }: Discovered,
  { host, services, migrations }: BootSettings,
): PluginGraph {
  const single = services.filter(({ ref }) => ref.kind === 'service');
  const origins = new Map(known.map((each) => [each.plugin, describeOrigin(each)]));
  const own = host ? [host.plugin] : [];
  /** The schemas that no plugin can have, each with what has it. */
  const takenSchemas = new Map([['slipway', 'the registry of plugins']]);
  if (host) takenSchemas.set(host.schema, 'the host').set(host.historySchema, 'the host');
  const graph = buildGraph([...own, ...enabled.map(({ plugin }) => plugin)], {
    hostServices: new Set(single.map(({ ref }) => ref.id)),
    first: host?.plugin.id,
    disabledServices: mapServicesToOwners(disabled),
    takenSchemas,
    disabledIds: disabled.map(({ plugin }) => plugin.id),
    schemaPrefix: migrations.schemaPrefix,
    findOrigin: (plugin) => origins.get(plugin) ?? 'the option host',
  });
  return { ...graph, warnings: [...warnings, ...graph.warnings] };
}

function describeOrigin({ source }: KnownPlugin): string {
  return source ? `${source.package} in ${source.path}` : 'the option plugins';
}
