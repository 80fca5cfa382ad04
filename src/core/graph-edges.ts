import { coreServiceIds } from './core-services.ts';
import { problem, type Problem, type Warning } from './error-codes.ts';
import type { GraphEdge } from './events.ts';
import type { Plugin } from './plugin.ts';
import type { AnyRef, ProvidableRef } from './service.ts';
import { findAmbiguous, findRivals } from './service-problems.ts';
import { didYouMean } from './suggest.ts';

/** The edges between plugins. */
export interface CollectedEdges {
  readonly edges: readonly GraphEdge[];
  /** The edges of order along which the later plugin gets a service or an item, if the earlier one is up. */
  readonly uses: ReadonlySet<GraphEdge>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** The inputs of a graph besides its plugins. */
export interface GraphOptions {
  /** The refs of what the host provides; one that it provides twice is here twice. */
  readonly hostServices?: readonly ProvidableRef[];
  /** The id of the plugin that all others need. */
  readonly first?: string | undefined;
  /** The services of disabled plugins, each with the id of its plugin. */
  readonly disabledServices?: ReadonlyMap<string, string>;
  readonly schemaPrefix?: string;
  /** Schemas that no plugin may have, each with its owner. */
  readonly takenSchemas?: ReadonlyMap<string, string>;
  /** The schemas of extensions, which are on the path of every plugin. */
  readonly extensionSchemas?: readonly string[];
  /** The ids of disabled plugins, which keep their schemas. */
  readonly disabledIds?: readonly string[];
  /** The ids of the plugins that are up. The others are added to them, and change nothing for them. */
  readonly up?: ReadonlySet<string>;
  /** Describes where a plugin comes from, for the message when two have one id. */
  readonly findOrigin?: (plugin: Plugin) => string;
}

interface Providers {
  readonly services: ReadonlyMap<string, readonly string[]>;
  readonly collections: ReadonlyMap<string, readonly string[]>;
}

/**
 * Finds every edge between the plugins with its reason, and every dependency that is not satisfied.
 *
 * @param doubled Plugins whose id another plugin has too. They are left out, and their services cause no further problem.
 */
export function collectEdges(
  plugins: readonly Plugin[],
  doubled: readonly Plugin[],
  { hostServices = [], first, disabledServices = new Map(), up = new Set() }: GraphOptions,
): CollectedEdges {
  const given = new Set([...hostServices.map(({ id }) => id), ...coreServiceIds]);
  const providers = findProviders(plugins);
  const ids = new Set(plugins.map((plugin) => plugin.id));
  const unclear = findProviders(doubled).services;
  const edges: GraphEdge[] = [];
  const uses = new Set<GraphEdge>();
  const ambiguous = findAmbiguous(plugins, hostServices);
  const problems = [...findRivals(providers.services, hostServices), ...ambiguous.values()];
  const warnings: Warning[] = [];

  for (const plugin of plugins) {
    const isUp = up.has(plugin.id);
    if (first !== undefined && plugin.id !== first) edges.push(firstEdge(first, plugin.id));
    for (const ref of Object.values(plugin.deps ?? {})) {
      const all = edgesFor(plugin.id, ref, providers);
      const found = isUp ? all.filter(({ from }) => up.has(from)) : all;
      edges.push(...found);
      if (ref.kind !== 'service') for (const edge of found) uses.add(edge);
      if (
        ref.kind === 'service' &&
        !isUp &&
        found.length === 0 &&
        !given.has(ref.id) &&
        !ambiguous.has(ref.id) &&
        !unclear.has(ref.id)
      ) {
        const owner = disabledServices.get(ref.id);
        problems.push(
          owner === undefined
            ? missingService(plugin.id, ref.id, providers, given)
            : serviceDisabled(plugin.id, ref.id, owner),
        );
      }
    }
    for (const earlier of plugin.after ?? []) {
      if (isUp && !up.has(earlier)) continue;
      if (ids.has(earlier)) edges.push(orderEdge(earlier, plugin.id));
      else warnings.push(absentPredecessor(plugin.id, earlier, ids));
    }
  }
  return { edges, uses, problems, warnings };
}

/** Lists the other ends of the edges that begin, or end, at each plugin. */
export function groupEdges(
  edges: readonly GraphEdge[],
  by: 'from' | 'to',
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const edge of edges) add(groups, edge[by], by === 'from' ? edge.to : edge.from);
  return groups;
}

function add(groups: Map<string, string[]>, key: string, value: string): void {
  const known = groups.get(key);
  if (known) known.push(value);
  else groups.set(key, [value]);
}

function findProviders(plugins: readonly Plugin[]): Providers {
  const services = new Map<string, string[]>();
  const collections = new Map<string, string[]>();
  for (const plugin of plugins) {
    for (const ref of Object.values(plugin.provides ?? {})) {
      add(ref.kind === 'collection' ? collections : services, ref.id, plugin.id);
    }
  }
  return { services, collections };
}

function edgesFor(to: string, ref: AnyRef, providers: Providers): GraphEdge[] {
  const kind = ref.kind === 'service' ? 'needs' : 'order';
  const verb = { service: 'needs', optional: 'may use', collection: 'collects' }[ref.kind];
  const from = (ref.kind === 'collection' ? providers.collections : providers.services).get(ref.id);
  return (from ?? []).map((provider) => ({
    from: provider,
    to,
    kind,
    reason: `${to} ${verb} ${ref.id} from ${provider}`,
  }));
}

function firstEdge(from: string, to: string): GraphEdge {
  return { from, to, kind: 'needs', reason: `${to} comes after ${from}, which comes first` };
}

function orderEdge(from: string, to: string): GraphEdge {
  return { from, to, kind: 'order', reason: `${to} comes after ${from}` };
}

function serviceDisabled(plugin: string, service: string, owner: string): Problem {
  return problem('SERVICE_MISSING', `${plugin} needs ${service} from ${owner}, which is disabled`, {
    plugin,
    hint: `Enable ${owner} again, or disable ${plugin} as well: UPDATE slipway.plugins SET enabled = … WHERE id = '…'.`,
  });
}

function missingService(
  plugin: string,
  service: string,
  providers: Providers,
  given: ReadonlySet<string>,
): Problem {
  const meant = didYouMean(service, [...providers.services.keys(), ...given]);
  const owner = meant === undefined ? undefined : providers.services.get(meant)?.[0];
  const guess =
    meant === undefined ? '' : `. Did you mean ${meant}${owner ? ` from ${owner}` : ''}?`;
  return problem('SERVICE_MISSING', `${plugin} needs ${service}, which is not provided${guess}`, {
    plugin,
  });
}

function absentPredecessor(plugin: string, earlier: string, ids: ReadonlySet<string>): Warning {
  const meant = didYouMean(earlier, ids);
  const guess = meant ? `. Did you mean ${meant}?` : '';
  return { plugin, message: `${plugin} comes after ${earlier}, which is absent${guess}` };
}

/** Whether a reason only says that a plugin comes before all others. */
export function saysFirst(from: string, to: string, reason: string): boolean {
  return reason === firstEdge(from, to).reason;
}
