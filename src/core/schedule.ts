import { ChunkedDraft, toChunked, type Chunked } from './chunked.ts';
import { NumberSetDraft, toNumberSet, type NumberSet } from './number-set.ts';
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
  /** Those of `after` that it may have got a service or an item from; left out when there are none. */
  readonly uses?: readonly number[];
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
  /** May start now. The lowest comes first, because nodes are in topological order. */
  readonly free: NumberSet;
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
    free: toNumberSet(blockers.flatMap((count, index) => (count === 0 ? [index] : []))),
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
  const change = new Change(schedule);
  const taken: number[] = [];
  while (taken.length < room) {
    const index = change.takeNext();
    if (index === undefined) break;
    const preset = schedule.presets[index];
    if (preset) change.settle({ index, ...preset });
    else taken.push(index);
  }
  return { ...change.finish(), taken };
}

/** Puts a node back into the queue, behind every other free node. */
export function requeue(schedule: Schedule, index: number): Schedule {
  return { ...schedule, again: [...schedule.again, index] };
}

/**
 * Settles a node. Its followers become free; when it failed, the nodes that need it settle as `dependency`. The nodes that
 * need a canceled one stay open, because nothing is wrong with them: the canceling phase will {@link abandon} them.
 */
export function settle(schedule: Schedule, settlement: Settlement): Advance {
  const change = new Change(schedule);
  change.settle(settlement);
  return change.finish();
}

/** The next version of a schedule in the making. It copies only what it changes, however many nodes settle. */
class Change {
  readonly #before: Schedule;
  readonly #blockers: ChunkedDraft<number>;
  readonly #outcomes: ChunkedDraft<Outcome | null>;
  readonly #free: NumberSetDraft;
  #again: readonly number[];
  readonly #settled: Settlement[] = [];

  constructor(schedule: Schedule) {
    this.#before = schedule;
    this.#blockers = new ChunkedDraft(schedule.blockers);
    this.#outcomes = new ChunkedDraft(schedule.outcomes);
    this.#free = new NumberSetDraft(schedule.free);
    this.#again = schedule.again;
  }

  /** Takes the node that may start next out of the queue. */
  takeNext(): number | undefined {
    const free = this.#free.takeLowest();
    if (free !== undefined) return free;
    const [again, ...rest] = this.#again;
    this.#again = rest;
    return again;
  }

  settle(settlement: Settlement): void {
    const { nodes, followers, dependents } = this.#before;
    this.#close(settlement);
    const closed = [settlement];
    for (const { index, outcome } of closed) {
      for (const next of followers[index] ?? []) this.#unblock(next);
      for (const next of dependents[index] ?? []) {
        if (isSuccess(outcome)) this.#unblock(next);
        else if (outcome !== 'canceled' && this.#isOpen(next)) {
          const because = describeLoss(nodes[index]?.id ?? '', outcome);
          const lost = { index: next, outcome: 'dependency', because } as const;
          this.#close(lost);
          closed.push(lost);
        }
      }
    }
  }

  finish(): Advance {
    const schedule = {
      ...this.#before,
      blockers: this.#blockers.finish(),
      outcomes: this.#outcomes.finish(),
      free: this.#free.finish(),
      again: this.#again,
      open: this.#before.open - this.#settled.length,
    };
    return { schedule, settled: this.#settled };
  }

  #close(settlement: Settlement): void {
    this.#outcomes.set(settlement.index, settlement.outcome);
    this.#settled.push(settlement);
  }

  #isOpen(node: number): boolean {
    return this.#outcomes.get(node) === null;
  }

  #unblock(node: number): void {
    const left = (this.#blockers.get(node) ?? 0) - 1;
    this.#blockers.set(node, left);
    if (left === 0 && this.#isOpen(node)) this.#free.add(node);
  }
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
