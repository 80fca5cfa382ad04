import { reverseEdges, type Successors } from './sort.ts';
import type { Outcome } from './steps.ts';

/** A plugin as a phase sees it. Edges are indices into the list of nodes, which is in topological order. */
export interface GraphNode {
  readonly id: string;
  readonly required: boolean;
  /** The nodes it needs: when one fails, it does not run. */
  readonly needs: readonly number[];
  /** The nodes that come first, whatever their outcome. */
  readonly after: readonly number[];
}

/** The end of one node, with the reason when it never ran. */
export interface Settlement {
  readonly index: number;
  readonly outcome: Outcome;
  readonly because?: string;
}

/** An outcome that is known before the phase begins: the node settles in order, and nothing runs. */
export type Preset = Omit<Settlement, 'index'>;

/**
 * The progress of a phase over the graph, as an immutable value. Every node counts its open predecessors, so the cost of a
 * settlement is its own edges, not the number of nodes.
 */
export interface Schedule {
  readonly nodes: readonly GraphNode[];
  readonly dependents: Successors;
  readonly followers: Successors;
  readonly presets: readonly (Preset | null)[];
  readonly blockers: Chunked<number>;
  /** May start now, in topological order. */
  readonly free: readonly number[];
  /** Nodes that were taken and requeued: they start when no other node can. */
  readonly again: readonly number[];
  readonly outcomes: Chunked<Outcome | null>;
  readonly open: number;
}

/** The new schedule after a change, with everything that settled by it. */
export interface Advance {
  readonly schedule: Schedule;
  readonly settled: readonly Settlement[];
}

export function createSchedule(
  nodes: readonly GraphNode[],
  presets: ReadonlyMap<string, Preset> = new Map(),
): Schedule {
  const dependents = reverseEdges(nodes.map((node) => node.needs));
  const followers = reverseEdges(nodes.map((node) => node.after));
  const blockers = nodes.map((node) => node.needs.length + node.after.length);
  return {
    nodes,
    dependents,
    followers,
    presets: nodes.map((node) => presets.get(node.id) ?? null),
    blockers: toChunked(blockers),
    free: blockers.flatMap((count, index) => (count === 0 ? [index] : [])),
    again: [],
    outcomes: toChunked(nodes.map(() => null)),
    open: nodes.length,
  };
}

/**
 * Makes the nodes of stopAll: every edge is reversed, and no edge is a need and no plugin required, so that a plugin that
 * hangs does not keep others from stopping. The nodes are in reverse order, so that they are topological again.
 */
export function reverseNodes(nodes: readonly GraphNode[]): readonly GraphNode[] {
  const last = nodes.length - 1;
  const above = reverseEdges(nodes.map((node) => [...node.needs, ...node.after]));
  return nodes
    .map((node, index) => ({
      id: node.id,
      required: false,
      needs: [],
      after: (above[index] ?? []).map((dependent) => last - dependent),
    }))
    .toReversed();
}

/** Takes up to `room` nodes that may start now. Nodes with a preset settle at once and take no slot. */
export function takeFree(
  schedule: Schedule,
  room: number,
): Advance & { readonly taken: readonly number[] } {
  const taken: number[] = [];
  const settled: Settlement[] = [];
  let current = schedule;
  while (taken.length < room) {
    const index = current.free[0] ?? current.again[0];
    if (index === undefined) break;
    current = withoutFirst(current);
    const preset = current.presets[index];
    if (!preset) {
      taken.push(index);
      continue;
    }
    const advance = settle(current, { index, ...preset });
    current = advance.schedule;
    settled.push(...advance.settled);
  }
  return { schedule: current, settled, taken };
}

/** Puts a node back into the queue, behind every other free node. */
export function requeue(schedule: Schedule, index: number): Schedule {
  return { ...schedule, again: [...schedule.again, index] };
}

function withoutFirst(schedule: Schedule): Schedule {
  return schedule.free.length > 0
    ? { ...schedule, free: schedule.free.slice(1) }
    : { ...schedule, again: schedule.again.slice(1) };
}

/**
 * Settles a node. Its followers become free; when it failed, the nodes that need it settle as `dependency`. The nodes that
 * need a canceled one stay open, because nothing is wrong with them: the canceling phase will {@link abandon} them.
 */
export function settle(schedule: Schedule, settlement: Settlement): Advance {
  const blockers = new Map<number, number>();
  const outcomes = new Map<number, Outcome>();
  const free = new Set<number>();
  const settled = [settlement];
  const isOpen = (node: number): boolean =>
    !outcomes.has(node) && itemAt(schedule.outcomes, node) === null;
  const unblock = (next: number): void => {
    const left = (blockers.get(next) ?? itemAt(schedule.blockers, next) ?? 0) - 1;
    blockers.set(next, left);
    if (left === 0 && isOpen(next)) free.add(next);
  };
  for (const { index, outcome } of settled) {
    outcomes.set(index, outcome);
    for (const next of schedule.followers[index] ?? []) unblock(next);
    for (const next of schedule.dependents[index] ?? []) {
      if (isSuccess(outcome)) unblock(next);
      else if (outcome !== 'canceled' && isOpen(next)) {
        outcomes.set(next, 'dependency');
        settled.push({
          index: next,
          outcome: 'dependency',
          because: describeLoss(schedule.nodes[index]?.id ?? '', outcome),
        });
      }
    }
  }
  for (const { index } of settled) free.delete(index);
  return {
    schedule: {
      ...schedule,
      blockers: withItems(schedule.blockers, blockers),
      outcomes: withItems(schedule.outcomes, outcomes),
      free: free.size === 0 ? schedule.free : [...schedule.free, ...free].toSorted(ascending),
      open: schedule.open - settled.length,
    },
    settled,
  };
}

/** Settles every open node as `notReached`: no other node will start. */
export function abandon(schedule: Schedule, because: string): Advance {
  const outcomes = schedule.outcomes.flat();
  const settled = outcomes.flatMap((outcome, index): Settlement[] =>
    outcome === null ? [{ index, outcome: 'notReached', because }] : [],
  );
  const all = toChunked(outcomes.map((outcome) => outcome ?? 'notReached'));
  return { schedule: { ...schedule, free: [], again: [], outcomes: all, open: 0 }, settled };
}

/** Whether the nodes that need this one may run. */
export function isSuccess(outcome: Outcome): boolean {
  return outcome === 'done' || outcome === 'upToDate';
}

/** Whether one of these settlements loses a required plugin, and with it the boot. */
export function isFatal(schedule: Schedule, settled: readonly Settlement[]): boolean {
  return settled.some(
    ({ index, outcome }) => !isSuccess(outcome) && schedule.nodes[index]?.required === true,
  );
}

/** Describes how a plugin or a step was lost: `auth failed`, `its init timed out`. */
export function describeLoss(who: string, outcome: Outcome): string {
  switch (outcome) {
    case 'timeout':
      return `${who} timed out`;
    case 'canceled':
      return `${who} was canceled`;
    case 'dependency':
    case 'notReached':
    case 'skipped':
      return `${who} is not up`;
    default:
      return `${who} failed`;
  }
}

const ascending = (a: number, b: number): number => a - b;

/**
 * An immutable list. A change copies one small chunk and the list of chunks, not every item, so that the cost of a boot
 * stays linear with a thousand plugins.
 */
type Chunked<T> = readonly (readonly T[])[];

const chunkSize = 32;

export function toChunked<T>(items: readonly T[]): Chunked<T> {
  const chunks: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += chunkSize) {
    chunks.push(items.slice(start, start + chunkSize));
  }
  return chunks;
}

export function itemAt<T>(list: Chunked<T>, index: number): T | undefined {
  return list[Math.floor(index / chunkSize)]?.[index % chunkSize];
}

/** Returns the list with some items replaced. */
export function withItems<T>(list: Chunked<T>, changes: ReadonlyMap<number, T>): Chunked<T> {
  if (changes.size === 0) return list;
  const chunks = [...list];
  const copied = new Map<number, T[]>();
  for (const [index, item] of changes) {
    const place = Math.floor(index / chunkSize);
    const chunk = copied.get(place) ?? [...(list[place] ?? [])];
    chunk[index % chunkSize] = item;
    copied.set(place, chunk);
    chunks[place] = chunk;
  }
  return chunks;
}
