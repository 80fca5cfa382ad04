import type { GraphEdge } from '../../core/events.ts';
import { joinNames } from '../../core/printable.ts';
import { isSuccess } from '../../core/schedule.ts';
import { steps } from '../../core/steps.ts';
import type { PluginRecord } from '../plugin-record.ts';
import { criticalChain } from '../critical-chain.ts';
import type { Story } from '../story.ts';

/** A part of the graph that is small enough to draw. */
export interface Neighbourhood {
  /** In the order of the graph. */
  readonly plugins: readonly PluginRecord[];
  readonly edges: readonly JoinedEdge[];
  /** The ids of plugins that were up before this launch and that its plugins need or come after. */
  readonly upBefore: readonly string[];
  /** The plugins of the critical chain. */
  readonly chain: ReadonlySet<string>;
  /** A sentence about what is left out; `undefined` when it is everything. */
  readonly note?: string;
}

/** All edges from one plugin to another. */
export interface JoinedEdge {
  readonly from: string;
  readonly to: string;
  /** `needs` if one of them is. */
  readonly kind: GraphEdge['kind'];
  readonly reasons: readonly string[];
  /** Whether both ends follow each other on the critical chain. */
  readonly isCritical: boolean;
}

/** The part of a graph to choose. */
interface Choice {
  /** The plugins whose neighbours are chosen too. Left out, they are those of the critical chain, and those that failed. */
  readonly around?: readonly string[];
  /** An earlier choice, which is kept while it has the whole chain: a picture of it does not jump. */
  readonly kept?: ReadonlySet<string> | undefined;
}

/**
 * Chooses what of a graph to draw: all of it up to `mostPlugins`, and else the critical chain, what failed, and the neighbours of
 * some plugins. Of more than `mostEdges` edges, those of the chain come first, and those that only order come last.
 */
export function chooseNeighbourhood(
  story: Story,
  mostPlugins: number,
  mostEdges: number,
  { around, kept }: Choice = {},
): Neighbourhood {
  const all = story.record.plugins;
  const links = criticalChain(story).flatMap(({ plugin }) => plugin ?? []);
  const chain = new Set(links);
  const edges = joinEdges(story, new Set(links.map((id, at) => `${links[at - 1] ?? ''} ${id}`)));
  const failed = all.filter(hasFailed).map(({ id }) => id);
  // The end of the chain is what the boot waits for.
  const core = [...[...chain].toReversed(), ...failed];
  const isKept = kept !== undefined && core.every((id) => kept.has(id));
  const chosen = isKept ? kept : choose(core, around, edges, mostPlugins);
  const isPart = all.length > mostPlugins;
  const plugins = isPart ? all.filter(({ id }) => chosen.has(id)) : all;
  const inside = isPart
    ? edges.filter(({ from, to }) => chosen.has(from) && chosen.has(to))
    : edges;
  const drawn = inside.toSorted((a, b) => rank(a) - rank(b)).slice(0, mostEdges);
  const notes = [
    isPart && `${plugins.length} of ${all.length} plugins, which are ${describe(around)}`,
    drawn.length < inside.length && `${drawn.length} of ${inside.length} edges`,
  ].filter((each) => each !== false);
  const upBefore = [...new Set(drawn.flatMap(({ from, to }) => [from, to]))].filter(
    (id) => !story.record.find(id),
  );
  return {
    plugins,
    edges: drawn,
    upBefore,
    chain,
    ...(notes.length > 0 && { note: notes.join(' and ') }),
  };
}

function describe(around: readonly string[] | undefined): string {
  const core = 'the critical chain and failures';
  if (around === undefined) return `${core} with their neighbours`;
  return around.length === 0 ? core : `${joinNames(around)} with its neighbours, ${core}`;
}

function rank({ isCritical, kind }: JoinedEdge): number {
  return isCritical ? 0 : kind === 'needs' ? 1 : 2;
}

function joinEdges({ record }: Story, hops: ReadonlySet<string>): readonly JoinedEdge[] {
  const joined = new Map<string, JoinedEdge>();
  for (const { from, to, kind, reason } of record.edges) {
    const key = `${from} ${to}`;
    const known = joined.get(key);
    joined.set(key, {
      from,
      to,
      kind: known?.kind === 'needs' ? 'needs' : kind,
      reasons: [...(known?.reasons ?? []), ...(reason === '' ? [] : [reason])],
      isCritical: hops.has(key),
    });
  }
  return [...joined.values()];
}

/**
 * Chooses the core and the neighbours, while there is room. The neighbours of chosen plugins get at least half of it, because a
 * chain may be long.
 */
function choose(
  core: readonly string[],
  around: readonly string[] | undefined,
  edges: readonly JoinedEdge[],
  most: number,
): ReadonlySet<string> {
  const middle = new Set(around ?? core);
  const neighbours = edges.flatMap(({ from, to }) =>
    middle.has(from) || middle.has(to) ? [from, to] : [],
  );
  const first = around === undefined ? [] : [...around, ...neighbours];
  const chosen = new Set([...new Set(first)].slice(0, most / 2));
  for (const id of [...core, ...neighbours]) {
    if (chosen.size >= most) break;
    chosen.add(id);
  }
  return chosen;
}

/** Whether a plugin failed itself; those that it took along have their own place in the graph. */
function hasFailed({ steps: own }: PluginRecord): boolean {
  return steps.some((step) => own[step].outcome === 'failed' || own[step].outcome === 'timeout');
}

/** The state of a plugin in a graph. */
export type NodeState = 'up' | 'failed' | 'lost' | 'open' | 'disabled';

/** Reads the state of a plugin: it is up, failed, was lost by another one, or has not come so far. */
export function readNodeState(plugin: PluginRecord): NodeState {
  if (!plugin.enabled) return 'disabled';
  if (hasFailed(plugin)) return 'failed';
  const outcomes = steps.map((step) => plugin.steps[step].outcome);
  if (outcomes.some((outcome) => outcome !== undefined && !isSuccess(outcome))) return 'lost';
  return plugin.steps.ready.outcome === 'done' ? 'up' : 'open';
}
