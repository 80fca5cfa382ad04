import {
  createSchedule,
  requeue,
  settle,
  takeFree,
  type GraphNode,
  type Preset,
  type Settlement,
} from '../core/schedule.ts';
import type { Outcome } from '../core/steps.ts';

/** A stretch in which a task had a slot. Before each one but the first it waited for its lock, without a slot. */
export interface Hold {
  /** When it had the slot. */
  readonly startMs: number;
  /** From where on it works the same, wherever it has waited before. */
  readonly goesOnMs: number;
  /** When it gave the slot back. */
  readonly endMs: number;
  /** The place of its end among ends of the same moment. */
  readonly order: number;
}

/** A task as it was recorded. */
export interface RecordedTask {
  readonly holds: readonly Hold[];
  /** Later than the end of the last hold when it gave up waiting for its lock. */
  readonly endMs: number;
  readonly order: number;
  readonly outcome: Outcome;
}

/** One step of all plugins as it was recorded. Plugins without a task never had a slot. */
export interface RecordedRun {
  readonly nodes: readonly GraphNode[];
  readonly presets: ReadonlyMap<string, Preset>;
  readonly tasks: ReadonlyMap<string, RecordedTask>;
}

/** A stretch of a task that begins earlier or later than in the recording. */
export interface Move {
  /** Its recorded begin. */
  readonly fromMs: number;
  readonly shiftMs: number;
  /** The place among all moves and settlements of the replay. */
  readonly order: number;
  readonly slot: number;
  /** Whether it found its lock free, and kept the slot of the move before. */
  readonly goesOn: boolean;
}

/** The outcome of a replay. */
export interface Replayed {
  /** When each task was taken from the schedule: the key is the plugin and the number of the hold. */
  readonly taken: ReadonlyMap<string, number>;
  readonly moves: ReadonlyMap<string, readonly Move[]>;
  readonly settled: ReadonlyMap<string, { readonly atMs: number; readonly order: number }>;
  readonly endMs: number;
}

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly happen: (nowMs: number) => void;
}

/**
 * Runs the recorded tasks of one step through the schedule again. A task lasts as long as it did. Every time is the recorded
 * one plus a shift: how much later the task was taken than in `before`, a replay with the recorded options. So the same
 * options give the recorded times exactly, and the time between the decision and the first event of a task is kept.
 *
 * A lock that another process holds is free when it was free in the recording. A task that comes later does not wait for it;
 * one that comes earlier waits longer. The short attempts in between are not recorded, and take no slot.
 */
export function replayRun(
  { nodes, presets, tasks }: RecordedRun,
  gateMs: number,
  width: number,
  before?: Replayed,
): Replayed {
  const queue: Pending[] = [];
  const taken = new Map<string, number>();
  const moves = new Map<string, Move[]>();
  const settled = new Map<string, { readonly atMs: number; readonly order: number }>();
  /** The plugin in each slot. */
  const slots = new Map<number, string>();
  const holdsBehind = new Map<string, number>();
  let schedule = createSchedule(nodes, presets);
  let order = 0;
  let endMs = gateMs;

  run();
  return { taken, moves, settled, endMs };

  function run(): void {
    let nowMs = gateMs;
    start(nowMs);
    for (let next = takeFirst(queue); next; next = takeFirst(queue)) {
      nowMs = Math.max(nowMs, next.atMs);
      endMs = Math.max(endMs, next.atMs);
      next.happen(nowMs);
      start(nowMs);
    }
  }

  function start(nowMs: number): void {
    const advance = takeFree(schedule, width - slots.size);
    schedule = advance.schedule;
    keep(advance.settled, nowMs);
    for (const index of advance.taken) begin(index, nowMs);
  }

  function begin(index: number, nowMs: number): void {
    const id = nodes[index]?.id ?? '';
    const task = tasks.get(id);
    const at = holdsBehind.get(id) ?? 0;
    const hold = task?.holds[at];
    if (!hold) return;
    const key = `${id} ${at}`;
    taken.set(key, nowMs);
    const sameMs = before ? before.taken.get(key) : nowMs;
    const slot = findFreeSlot(slots);
    slots.set(slot, id);
    proceed(task, at, { index, slot, shiftMs: nowMs - (sameMs ?? hold.startMs), goesOn: false });
  }

  /** Works through a hold, in a slot that the task has. */
  function proceed(
    task: RecordedTask,
    at: number,
    place: Pick<Move, 'slot' | 'shiftMs' | 'goesOn'> & { readonly index: number },
  ): void {
    const { index, slot, shiftMs, goesOn } = place;
    const id = nodes[index]?.id ?? '';
    const hold = task.holds[at];
    if (!hold) return;
    order += 1;
    const moved = moves.get(id) ?? [];
    moved.push({ fromMs: hold.startMs, shiftMs, order, slot, goesOn });
    moves.set(id, moved);
    const next = task.holds[at + 1];
    const endsAtMs = hold.endMs + shiftMs;
    const happen = (nowMs: number): void => {
      if (next && before && nowMs > next.startMs) {
        proceed(task, at + 1, { index, slot, shiftMs: nowMs - next.goesOnMs, goesOn: true });
        return;
      }
      slots.delete(slot);
      if (next) {
        holdsBehind.set(id, at + 1);
        // The attempt that found the lock free had its slot at that moment, so it comes first.
        queue.push({
          atMs: next.startMs,
          order: -1,
          happen: () => (schedule = requeue(schedule, index)),
        });
      } else if (task.endMs > hold.endMs) {
        const atMs = task.endMs + shiftMs;
        const end = (ms: number): void => finish({ index, outcome: task.outcome }, atMs, ms);
        queue.push({ atMs, order: task.order, happen: end });
      } else {
        finish({ index, outcome: task.outcome }, endsAtMs, nowMs);
      }
    };
    queue.push({ atMs: endsAtMs, order: hold.order, happen });
  }

  /** The end of a task that was taken too late lies in the past of the replay. The task keeps it, and others settle now. */
  function finish(settlement: Settlement, atMs: number, nowMs: number): void {
    const advance = settle(schedule, settlement);
    schedule = advance.schedule;
    const [own, ...others] = advance.settled;
    if (own) keep([own], atMs);
    keep(others, nowMs);
  }

  function keep(ended: readonly Settlement[], atMs: number): void {
    for (const { index } of ended) {
      order += 1;
      settled.set(nodes[index]?.id ?? '', { atMs, order });
    }
  }
}

function takeFirst(queue: Pending[]): Pending | undefined {
  let first = 0;
  for (const [at, { atMs, order }] of queue.entries()) {
    const best = queue[first];
    if (best && (atMs < best.atMs || (atMs === best.atMs && order < best.order))) first = at;
  }
  return queue.splice(first, 1)[0];
}

function findFreeSlot(slots: ReadonlyMap<number, string>): number {
  let slot = 1;
  while (slots.has(slot)) slot += 1;
  return slot;
}
