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
import type { Outcome, PhaseOutcome } from '../src/core/steps.ts';
import type { Failure } from './news.ts';
import type { InSlot } from './tasks.ts';

/** Why no further task starts. The first cause stays. */
interface Halt {
  readonly cause: 'stop' | 'loss';
  readonly because: string;
}

/**
 * The run of one step over all plugins, as an immutable value: a pure function decides each change, and a machine's actions
 * only apply it. Nodes are named by their index.
 */
export interface StepRun {
  readonly schedule: Schedule;
  /** The number of slots: how many tasks may be live at once. */
  readonly width: number;
  /** The tasks that have a slot. */
  readonly live: readonly LiveTask[];
  /** Released their slot and will start again. */
  readonly waiting: readonly number[];
  readonly halt: Halt | null;
  /** Every step that did not succeed. */
  readonly losses: readonly Settlement[];
  /** First the failure that halted the run, then the others in order. */
  readonly failures: readonly Failure[];
}

/** A task in its slot; slots count from 1. */
interface LiveTask {
  readonly index: number;
  readonly slot: number;
}

/** A settlement with its error. */
interface StepEnd extends Settlement {
  readonly error?: unknown;
}

/** A change of a run: the new run, the plugins whose tasks start, and the steps that settled. */
export interface StepChange {
  readonly run: StepRun;
  readonly start: readonly InSlot[];
  readonly settled: readonly StepEnd[];
}

/** The end of a task. */
type TaskEnd =
  | { readonly status: 'done' | 'canceled' }
  | { readonly status: 'failed' | 'timeout'; readonly error: unknown };

export function createStepRun(
  nodes: readonly GraphNode[],
  width: number,
  presets?: ReadonlyMap<string, Preset>,
): StepRun {
  const schedule = createSchedule(nodes, presets);
  return { schedule, width, live: [], waiting: [], halt: null, losses: [], failures: [] };
}

/** Creates the run of the next step, without the plugins that were lost in this one. A halt of this run halts it too. */
export function createNextRun(run: StepRun, step: string): StepRun {
  const presets = new Map(
    run.losses.map((loss): [string, Preset] => [
      getId(run, loss.index),
      { outcome: 'notReached', because: explainLoss(loss, step) },
    ]),
  );
  const next = createStepRun(run.schedule.nodes, run.width, presets);
  return { ...next, halt: run.halt, failures: run.failures };
}

/** Explains why a step was lost: `its init failed`, or the reason why it did not run. */
export function explainLoss(loss: Settlement, step: string): string {
  return loss.because ?? describeLoss(step, loss.outcome);
}

/** Starts as many tasks as there are free slots. */
export function startNext(run: StepRun): StepChange {
  if (run.halt) return { run, start: [], settled: [] };
  const advance = takeFree(run.schedule, run.width - run.live.length);
  const next = addSettled(run, advance);
  const slots = findFreeSlots(run.live, advance.taken.length);
  const started = advance.taken.map((index, at) => ({ index, slot: slots[at] ?? 0 }));
  return {
    run: { ...next, live: [...next.live, ...started] },
    start: started.map(({ index, slot }) => ({ plugin: getId(run, index), slot })),
    settled: advance.settled,
  };
}

/** Settles a task whose work, or whose wait, has ended. */
export function settleTask(run: StepRun, plugin: string, end: TaskEnd): StepChange {
  const { index, left } = removeTask(run, plugin);
  const ended: StepEnd = {
    index,
    outcome: end.status,
    ...('error' in end && { error: end.error }),
    ...(end.status === 'canceled' && run.halt && { because: run.halt.because }),
  };
  const advance = settle(left.schedule, ended);
  const failures = 'error' in end ? [{ plugin, error: end.error }] : [];
  const change = startNext(addSettled(left, advance, failures));
  return { ...change, settled: [...advance.settled, ...change.settled] };
}

/** Takes the slot of a task that found its lock taken: its plugin waits, unless the run is halted. */
export function suspendTask(run: StepRun, plugin: string): StepChange {
  const { index, left } = removeTask(run, plugin);
  return startNext(run.halt ? left : { ...left, waiting: [...left.waiting, index] });
}

/** Queues a plugin again after its wait. */
export function resumeTask(run: StepRun, plugin: string): StepChange {
  const { index, left } = removeTask(run, plugin);
  return startNext({ ...left, schedule: requeue(left.schedule, index) });
}

/** Halts a run: no further task starts. Only the first halt counts. */
export function halt(run: StepRun, cause: Halt['cause'], because: string): StepRun {
  return run.halt ? run : { ...run, halt: { cause, because } };
}

/** Returns the reason if this change halted the run. */
export function findNewHalt(before: StepRun, { run }: StepChange): string | undefined {
  return before.halt ? undefined : run.halt?.because;
}

/** Whether no task runs or waits. */
export function isDrained(run: StepRun): boolean {
  return run.live.length === 0 && run.waiting.length === 0;
}

/** Lists the nodes whose tasks have a slot. */
export function listLive({ live }: StepRun): readonly number[] {
  return live.map(({ index }) => index);
}

/** Settles every plugin that never had a slot. */
export function abandonRest(run: StepRun): StepChange {
  const advance = abandon(
    run.schedule,
    run.halt?.because ?? 'a plugin that comes first was canceled',
  );
  return { run: addSettled(run, advance), start: [], settled: advance.settled };
}

/** `done` only when nothing halted the run and every required plugin succeeded. */
export function decideOutcome(run: StepRun): PhaseOutcome {
  if (run.halt?.cause === 'stop') return 'canceled';
  if (!run.halt && !isFatal(run.schedule, run.losses)) return 'done';
  return run.failures.length > 0 ? 'failed' : 'canceled';
}

/** Lists the plugins whose task has run, whatever its outcome. */
export function listRan({ schedule: { nodes, outcomes } }: StepRun): readonly string[] {
  const all = outcomes.flat();
  return nodes.filter((_, index) => hasRun(all[index] ?? null)).map(({ id }) => id);
}

function hasRun(outcome: Outcome | null): boolean {
  return outcome !== null && ran.has(outcome);
}

const ran: ReadonlySet<Outcome> = new Set(['done', 'failed', 'timeout', 'canceled']);

export function getId(run: StepRun, index: number): string {
  return run.schedule.nodes[index]?.id ?? '';
}

/** Adds what settled. A lost required plugin halts the run, and its failure comes first. */
function addSettled(run: StepRun, advance: Advance, failures: readonly Failure[] = []): StepRun {
  const { schedule, settled } = advance;
  const losses = settled.filter(({ outcome }) => !isSuccess(outcome));
  const [first] = losses;
  // Nearly every plugin succeeds, and the lists may be long.
  if (!first) return { ...run, schedule };
  const next = { ...run, schedule, losses: [...run.losses, ...losses] };
  if (run.halt || !isFatal(schedule, losses)) {
    return { ...next, failures: [...run.failures, ...failures] };
  }
  const because = first.because ?? describeLoss(getId(run, first.index), first.outcome);
  return {
    ...next,
    failures: [...failures, ...run.failures],
    halt: { cause: 'loss', because },
  };
}

function removeTask(
  run: StepRun,
  plugin: string,
): { readonly index: number; readonly left: StepRun } {
  const isIt = (index: number): boolean => getId(run, index) === plugin;
  const live = run.live.find((task) => isIt(task.index));
  const index = live?.index ?? run.waiting.find(isIt) ?? -1;
  return {
    index,
    left: {
      ...run,
      live: run.live.filter((task) => task !== live),
      waiting: run.waiting.filter((other) => other !== index),
    },
  };
}

/** Finds the lowest slots that no task has. */
function findFreeSlots(live: readonly LiveTask[], count: number): readonly number[] {
  if (count === 0) return [];
  const taken = new Set(live.map(({ slot }) => slot));
  const free: number[] = [];
  for (let slot = 1; free.length < count; slot += 1) {
    if (!taken.has(slot)) free.push(slot);
  }
  return free;
}
