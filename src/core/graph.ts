import type { GraphEdge } from './events.ts';
import { problem, type Problem, type Warning } from './error-codes.ts';
import { BootError } from './errors.ts';
import { collectEdges, type CollectedEdges, type GraphOptions } from './graph-edges.ts';
import { findCycles } from './cycles.ts';
import { isRequired, type Plugin } from './plugin.ts';
import { findFurtherSchemaProblems } from './further-schemas.ts';
import { findPluginProblems, findPreviousIdProblems } from './plugin-problems.ts';
import type { GraphNode } from './schedule.ts';
import { stableTopologicalOrder, type Successors } from './sort.ts';
import { listNames } from './printable.ts';

/** The sorted plugins, which every later phase works on. */
export interface PluginGraph {
  /** In topological order. */
  readonly plugins: readonly Plugin[];
  /** One for each plugin, in the same order. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly warnings: readonly Warning[];
}

/**
 * Builds the graph of the plugins and sorts it; among plugins that may come next, the one listed first comes first.
 *
 * @throws BootError `GRAPH_INVALID` with all `problems` at once.
 */
export function buildGraph(plugins: readonly Plugin[], options: GraphOptions = {}): PluginGraph {
  const indexById = new Map(plugins.map((plugin, index) => [plugin.id, index]));
  const distinct = plugins.filter((plugin, index) => indexById.get(plugin.id) === index);
  // The services of the other plugins with the same id are not missing: a person must decide which plugin stays.
  const doubled = plugins.filter((plugin, index) => indexById.get(plugin.id) !== index);
  const found = collectEdges(distinct, doubled, options);
  const successors = toSuccessors(distinct, found.edges);
  const order = stableTopologicalOrder(successors);
  const problems = [
    ...findPluginProblems(plugins, options),
    ...findPreviousIdProblems(distinct, options),
    ...findFurtherSchemaProblems(distinct, options),
    ...found.problems,
    ...(order ? [] : describeCycles(distinct, found.edges, successors)),
  ];
  if (problems.length > 0 || !order) throw graphInvalid(problems);
  const sorted = order.flatMap((index) => distinct[index] ?? []);
  const nodes = makeNodes(sorted, found);
  const warnings = [...found.warnings, ...findWeakSpots(nodes, options.up)];
  return { plugins: sorted, nodes, edges: found.edges, warnings };
}

function toSuccessors(plugins: readonly Plugin[], edges: readonly GraphEdge[]): Successors {
  const indexById = new Map(plugins.map((plugin, index) => [plugin.id, index]));
  const successors: number[][] = plugins.map(() => []);
  for (const { from, to } of edges) {
    successors[indexById.get(from) ?? -1]?.push(indexById.get(to) ?? -1);
  }
  return successors;
}

function describeCycles(
  plugins: readonly Plugin[],
  edges: readonly GraphEdge[],
  successors: Successors,
): readonly Problem[] {
  const reasons = new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge.reason]));
  return findCycles(successors).map((cycle) => {
    const ids = cycle.map((index) => plugins[index]?.id ?? '');
    // Edges run from provider to dependent; people read a cycle as "a needs b needs a".
    const needing = [...ids, ids[0] ?? ''].toReversed();
    const why = needing.slice(1).map((id, at) => reasons.get(`${id} ${needing[at]}`) ?? '');
    return problem('DEPENDENCY_CYCLE', `${listNames(needing, ' → ')}: ${listNames(why, '; ')}`, {
      plugin: ids[0] ?? '',
    });
  });
}

function graphInvalid(problems: readonly Problem[]): BootError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new BootError('GRAPH_INVALID', `The plugins do not fit together: ${count}`, {
    phase: 'sort',
    problems,
  });
}

function makeNodes(
  sorted: readonly Plugin[],
  { edges, uses }: Pick<CollectedEdges, 'edges' | 'uses'>,
): readonly GraphNode[] {
  const position = new Map(sorted.map(({ id }, index) => [id, index]));
  const before = sorted.map(() => ({
    needs: new Set<number>(),
    after: new Set<number>(),
    uses: new Set<number>(),
  }));
  for (const edge of edges) {
    const from = position.get(edge.from) ?? -1;
    const target = before[position.get(edge.to) ?? -1];
    target?.[edge.kind === 'needs' ? 'needs' : 'after'].add(from);
    if (uses.has(edge)) target?.uses.add(from);
  }
  return before.map(({ needs, after, uses: used }, index): GraphNode => {
    const plugin = sorted[index];
    return {
      id: plugin?.id ?? '',
      required: plugin !== undefined && isRequired(plugin),
      needs: [...needs],
      after: [...after].filter((other) => !needs.has(other)),
      ...(used.size > 0 && { uses: [...used] }),
    };
  });
}

/** A required plugin that needs an optional one makes it required in effect. It is no new warning for a plugin that is up. */
function findWeakSpots(
  nodes: readonly GraphNode[],
  up: ReadonlySet<string> = new Set(),
): readonly Warning[] {
  return nodes
    .filter(({ id, required }) => required && !up.has(id))
    .flatMap((node) =>
      node.needs
        .flatMap((index) => nodes[index] ?? [])
        .filter(({ required }) => !required)
        .map(({ id }) => ({
          plugin: node.id,
          message: `${node.id} is required and needs ${id}, which is optional`,
        })),
    );
}
