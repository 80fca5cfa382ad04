import {
  abandon,
  createSchedule,
  describeLoss,
  isFatal,
  isSuccess,
  requeue,
  settle,
  takeFree,
  type Advance,
  type GraphNode,
  type Preset,
  type Schedule,
  type Settlement,
} from '../src/core/schedule.ts';
import type { PhaseOutcome } from '../src/core/steps.ts';
import type { Failure, StepEnd } from './news.ts';

/** Why nothing further begins. The first cause stays. */
export interface Halt {
  readonly cause: 'stop' | 'loss';
  readonly because: string;
}

/**
 * The tasks at work on one step of all plugins: an immutable value, so that a machine's actions only carry out what a
 * pure function decided. Nodes are meant by their index.
 */
export interface Crew {
  readonly schedule: Schedule;
  /** How many may be live at once. */
  readonly width: number;
  readonly live: readonly number[];
  /** Gave their place back and come again; they count for no width. */
  readonly waiting: readonly number[];
  readonly halt: Halt | null;
  /** Everything that did not come through. */
  readonly losses: readonly Settlement[];
  /** First the one that halted the crew, then as they happened. */
  readonly failures: readonly Failure[];
}

/** One move of a crew: what it is now, whose tasks begin, and who settled by it. */
export interface Move {
  readonly crew: Crew;
  readonly begin: readonly string[];
  readonly settled: readonly StepEnd[];
}

/** How a task ended, as far as a crew cares. */
export type TaskEnd =
  | { readonly status: 'done' | 'canceled' }
  | { readonly status: 'failed' | 'timeout'; readonly error: unknown };

export function muster(
  nodes: readonly GraphNode[],
  width: number,
  presets?: ReadonlyMap<string, Preset>,
): Crew {
  const schedule = createSchedule(nodes, presets);
  return { schedule, width, live: [], waiting: [], halt: null, losses: [], failures: [] };
}

/** The crew of the next step: who was lost in this one does not take part, and what halted this one halts it too. */
export function relieve(crew: Crew, step: string): Crew {
  const presets = new Map(
    crew.losses.map((loss): [string, Preset] => [
      idOf(crew, loss.index),
      { outcome: 'notReached', because: whyLost(loss, step) },
    ]),
  );
  const next = muster(crew.schedule.nodes, crew.width, presets);
  return { ...next, halt: crew.halt, failures: crew.failures };
}

/** `its init failed`, or what kept it from running. */
export function whyLost(loss: Settlement, step: string): string {
  return loss.because ?? describeLoss(step, loss.outcome);
}

/** Begins as many tasks as there is room for. */
export function fill(crew: Crew): Move {
  if (crew.halt) return { crew, begin: [], settled: [] };
  const advance = takeFree(crew.schedule, crew.width - crew.live.length);
  const next = absorb(crew, advance);
  return {
    crew: { ...next, live: [...next.live, ...advance.taken] },
    begin: advance.taken.map((index) => idOf(crew, index)),
    settled: advance.settled,
  };
}

/** A task, or the wait for one, has ended for good. */
export function conclude(crew: Crew, plugin: string, end: TaskEnd): Move {
  const { index, left } = dischargeOf(crew, plugin);
  const ended: StepEnd = {
    index,
    outcome: end.status,
    ...('error' in end && { error: end.error }),
    ...(end.status === 'canceled' && crew.halt && { because: crew.halt.because }),
  };
  const advance = settle(left.schedule, ended);
  const failures = 'error' in end ? [{ plugin, error: end.error }] : [];
  const move = fill(absorb(left, advance, failures));
  return { ...move, settled: [...advance.settled, ...move.settled] };
}

/** A task gave its place back without having begun: its plugin waits, unless nothing begins any more. */
export function setAside(crew: Crew, plugin: string): Move {
  const { index, left } = dischargeOf(crew, plugin);
  return fill(crew.halt ? left : { ...left, waiting: [...left.waiting, index] });
}

/** A wait is over: its plugin starts again when its turn comes. */
export function resume(crew: Crew, plugin: string): Move {
  const { index, left } = dischargeOf(crew, plugin);
  return fill({ ...left, schedule: requeue(left.schedule, index) });
}

/** From here on nothing begins. Only the first halt counts. */
export function halt(crew: Crew, cause: Halt['cause'], because: string): Crew {
  return crew.halt ? crew : { ...crew, halt: { cause, because } };
}

/** Whether this very move lost a required plugin, and what was lost. */
export function lossIn(before: Crew, { crew }: Move): string | undefined {
  return before.halt ? undefined : crew.halt?.because;
}

/** Nothing is alive, so nothing more will happen. */
export function isDrained(crew: Crew): boolean {
  return crew.live.length === 0 && crew.waiting.length === 0;
}

/** Sends home whoever never had a turn. */
export function dismiss(crew: Crew): Move {
  const advance = abandon(
    crew.schedule,
    crew.halt?.because ?? 'a plugin that comes first was canceled',
  );
  return { crew: absorb(crew, advance), begin: [], settled: advance.settled };
}

/** `done` only when nothing halted the crew and every required plugin came through. */
export function verdict(crew: Crew): PhaseOutcome {
  if (crew.halt?.cause === 'stop') return 'canceled';
  if (!crew.halt && !isFatal(crew.schedule, crew.losses)) return 'done';
  return crew.failures.length > 0 ? 'failed' : 'canceled';
}

export function idOf(crew: Crew, index: number): string {
  return crew.schedule.nodes[index]?.id ?? '';
}

/** Takes in what settled. A lost required plugin halts the crew, and the failure behind it comes first. */
function absorb(crew: Crew, advance: Advance, failures: readonly Failure[] = []): Crew {
  const { schedule, settled } = advance;
  const losses = settled.filter(({ outcome }) => !isSuccess(outcome));
  const [first] = losses;
  const next = { ...crew, schedule, losses: [...crew.losses, ...losses] };
  if (!first || crew.halt || !isFatal(schedule, losses)) {
    return { ...next, failures: [...crew.failures, ...failures] };
  }
  const because = first.because ?? describeLoss(idOf(crew, first.index), first.outcome);
  return {
    ...next,
    failures: [...failures, ...crew.failures],
    halt: { cause: 'loss', because },
  };
}

function dischargeOf(crew: Crew, plugin: string): { readonly index: number; readonly left: Crew } {
  const isIt = (index: number): boolean => idOf(crew, index) === plugin;
  const index = crew.live.find(isIt) ?? crew.waiting.find(isIt) ?? -1;
  const isOther = (other: number): boolean => other !== index;
  return {
    index,
    left: { ...crew, live: crew.live.filter(isOther), waiting: crew.waiting.filter(isOther) },
  };
}
