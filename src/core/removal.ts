import type { GraphNode } from './schedule.ts';
import { listNames } from './printable.ts';

/** A plugin to remove from a boot that is up. */
export interface RemovalRequest {
  readonly plugin: string;
  /** Whether the plugins that use its services are stopped too. Otherwise the removal is refused when there are some. */
  readonly withDependents: boolean;
}

/** The plugins that a removal stops, or why it stops none. */
export type ChosenRemoval = { readonly plugins: readonly string[] } | { readonly because: string };

/** Chooses the plugins that a removal stops: the plugin itself, and all that use it, directly or through others. */
export function chooseRemoval(
  nodes: readonly GraphNode[],
  started: readonly string[],
  { plugin, withDependents }: RemovalRequest,
): ChosenRemoval {
  if (!started.includes(plugin)) {
    return { because: `${plugin} is not up` };
  }
  const up = restrictNodes(nodes, new Set(started));
  const users = findUsers(up, plugin);
  if (users.length === 0 || withDependents) return { plugins: [plugin, ...users] };
  return {
    because: `${listNames(users)} ${users.length === 1 ? 'uses' : 'use'} it`,
  };
}

/** Lists the plugins that have got something from this one, directly or through others, in the order of the nodes. */
function findUsers(nodes: readonly GraphNode[], plugin: string): readonly string[] {
  const users = new Set<number>();
  const first = nodes.findIndex(({ id }) => id === plugin);
  // A node comes after all that it uses, so one walk finds every user.
  nodes.forEach(({ needs, uses = [] }, index) => {
    const isUser = [...needs, ...uses].some((other) => other === first || users.has(other));
    if (isUser) users.add(index);
  });
  return [...users].flatMap((index) => nodes[index]?.id ?? []);
}

/** Keeps some of the nodes, and the edges among them. */
export function restrictNodes(
  nodes: readonly GraphNode[],
  kept: ReadonlySet<string>,
): readonly GraphNode[] {
  const positions = new Map<number, number>();
  nodes.forEach(({ id }, index) => {
    if (kept.has(id)) positions.set(index, positions.size);
  });
  const move = (indices: readonly number[]): readonly number[] =>
    indices.flatMap((index) => positions.get(index) ?? []);
  return nodes
    .filter(({ id }) => kept.has(id))
    .map(({ id, required, needs, after, uses = [] }) => {
      const used = move(uses);
      const edges = { needs: move(needs), after: move(after) };
      return { id, required, ...edges, ...(used.length > 0 && { uses: used }) };
    });
}
