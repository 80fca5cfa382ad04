import type { GraphNode } from '../../src/core/schedule.ts';
import type { RemovalRequest } from '../../src/core/removal.ts';

/** A plugin that names the others it depends on, whether they are there or not. */
export interface NamedPlugin {
  readonly id: string;
  readonly required: boolean;
  readonly needs: readonly string[];
  readonly after: readonly string[];
  /** Some of `after`. */
  readonly uses: readonly string[];
}

/** The plugins of a boot that is up, and which of them run. */
export interface Up {
  readonly plugins: readonly NamedPlugin[];
  readonly started: readonly string[];
}

export function named(id: string, edges: Partial<NamedPlugin> = {}): NamedPlugin {
  return { id, required: true, needs: [], after: [], uses: [], ...edges };
}

/** Leaves out the edges to plugins that are absent, or that came later: nothing was got from them. */
export function dropLooseEdges(plugins: readonly NamedPlugin[]): readonly NamedPlugin[] {
  const earlier = new Set<string>();
  const keep = (ids: readonly string[]): string[] => ids.filter((id) => earlier.has(id));
  return plugins.map((plugin) => {
    const { id, needs, after, uses } = plugin;
    const kept = { ...plugin, needs: keep(needs), after: keep(after), uses: keep(uses) };
    earlier.add(id);
    return kept;
  });
}

/** The same plugins as the machines want them. */
export function toNodes(plugins: readonly NamedPlugin[]): readonly GraphNode[] {
  const places = new Map(plugins.map(({ id }, place) => [id, place]));
  const find = (ids: readonly string[]): number[] => ids.flatMap((id) => places.get(id) ?? []);
  return dropLooseEdges(plugins).map(({ id, required, needs, after, uses }) => ({
    id,
    required,
    needs: find(needs),
    after: find(after),
    ...(uses.length > 0 && { uses: find(uses) }),
  }));
}

/** What a removal has to stop, or `null` when it has to be refused. Grows the set until nothing is missing. */
export function findRemoved({ plugins, started }: Up, request: RemovalRequest): string[] | null {
  if (!started.includes(request.plugin)) return null;
  const removed = new Set([request.plugin]);
  const isUser = ({ id, needs, uses }: NamedPlugin): boolean =>
    !removed.has(id) && started.includes(id) && [...needs, ...uses].some((to) => removed.has(to));
  for (let user = plugins.find(isUser); user; user = plugins.find(isUser)) removed.add(user.id);
  if (removed.size > 1 && !request.withDependents) return null;
  return plugins.flatMap(({ id }) => (removed.has(id) ? [id] : []));
}

export function withoutPlugins({ plugins, started }: Up, removed: readonly string[]): Up {
  return {
    plugins: dropLooseEdges(plugins.filter(({ id }) => !removed.includes(id))),
    started: started.filter((id) => !removed.includes(id)),
  };
}

export function withPlugins(
  { plugins, started }: Up,
  added: readonly NamedPlugin[],
  addedStarted: readonly string[],
): Up {
  return {
    plugins: dropLooseEdges([...plugins, ...added]),
    started: [...started, ...addedStarted],
  };
}
