import { assertEvent, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { Preset } from '../src/core/schedule.ts';
import { sendToTasks, applyChange, readEnd, type Enqueue, type StopEvent } from './apply-change.ts';
import {
  settleTask,
  abandonRest,
  startNext,
  halt,
  isDrained,
  listLive,
  listRan,
  findNewHalt,
  createStepRun,
  createNextRun,
  decideOutcome,
  type StepRun,
  type StepChange,
} from './step-run.ts';
import type { MigratedPlan } from './migrate-all-machine.ts';
import { ignoreNews, type Failure } from './news.ts';
import { stubs, type InitResult, type ReadyResult } from './tasks.ts';

/** The input of {@link initAllMachine}. */
export interface InitAllInput {
  readonly plan: MigratedPlan;
  /** How many `init` run at once, and how many `ready` hooks. */
  readonly width: number;
}

/**
 * `started` are the plugins to stop: every plugin whose init began, except an optional one whose init failed or timed out
 * while the boot went on. That plugin cleans up in its own init task.
 */
export type InitAllOutput = { readonly started: readonly string[] } & (
  | { readonly status: 'done'; readonly degraded: boolean }
  | { readonly status: 'failed'; readonly failures: readonly Failure[] }
  | { readonly status: 'canceled' }
);

type InitEnded =
  | DoneActorEvent<InitResult, `init.${string}`>
  | ErrorActorEvent<unknown, `init.${string}`>;
type ReadyEnded =
  | DoneActorEvent<ReadyResult, `ready.${string}`>
  | ErrorActorEvent<unknown, `ready.${string}`>;

/** The context of {@link initAllMachine}. */
export interface InitAllContext {
  /** The run of `init`, then that of `ready`. */
  readonly run: StepRun;
  /** The optional plugins whose init failed while the boot went on: they have cleaned up. */
  readonly cleaned: readonly string[];
  /** The plugins to stop, once every init has ended. */
  readonly started: readonly string[];
}

const base = setup({
  types: {
    input: {} as InitAllInput,
    output: {} as InitAllOutput,
    context: {} as InitAllContext,
    events: {} as StopEvent | InitEnded | ReadyEnded,
  },
  actors: { init: stubs.init, ready: stubs.ready },
  actions: { tell: ignoreNews },
  guards: { isDrained: ({ context }) => isDrained(context.run) },
});

const machine = base.extend({
  actions: {
    startInit: base.enqueueActions(({ context, enqueue }) => {
      proceed(enqueue, 'init', context.run, startNext(context.run));
    }),
    takeInit: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.init.*', 'xstate.error.actor.init.*']);
      const { child, plugin, result } = readEnd(event);
      enqueue.stopChild(child);
      const change = settleTask(context.run, plugin, result);
      const isClean = change.run.halt === null && cleansUpItself(result);
      if (isClean) enqueue.assign({ cleaned: [...context.cleaned, plugin] });
      proceed(enqueue, 'init', context.run, change);
    }),
    cancelInits: base.enqueueActions(({ context: { run }, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ run: halt(run, 'stop', event.reason) });
      sendToTasks(enqueue, 'init', run, listLive(run), { type: 'CANCEL', reason: event.reason });
    }),
    abandonInits: base.enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ started: listStarted(context) });
      applyChange(enqueue, 'init', abandonRest(context.run));
    }),
    startReady: base.enqueueActions(({ context, enqueue }) => {
      const run = createNextRun(context.run, 'its init');
      proceed(enqueue, 'ready', run, startNext(run));
    }),
    takeReady: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.ready.*', 'xstate.error.actor.ready.*']);
      const { child, plugin, result } = readEnd(event);
      enqueue.stopChild(child);
      proceed(enqueue, 'ready', context.run, settleTask(context.run, plugin, result));
    }),
    cancelReadies: base.enqueueActions(({ context: { run }, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ run: halt(run, 'stop', event.reason) });
      sendToTasks(enqueue, 'ready', run, listLive(run), { type: 'CANCEL', reason: event.reason });
    }),
    abandonReadies: base.enqueueActions(({ context, enqueue }) => {
      applyChange(enqueue, 'ready', abandonRest(context.run));
    }),
  },
});

/** Applies a change. When it lost a required plugin, cancels the others, because the boot fails. */
function proceed<S extends 'init' | 'ready'>(
  enqueue: Enqueue<NoInfer<S>>,
  step: S,
  before: StepRun,
  change: StepChange,
): void {
  applyChange(enqueue, step, change);
  const reason = findNewHalt(before, change);
  if (reason === undefined) return;
  sendToTasks(enqueue, step, change.run, listLive(change.run), { type: 'CANCEL', reason });
}

/** Runs the `init` of every plugin of a migrated database, then the `ready` hooks. Ends after every task that it started. */
export const initAllMachine = machine.createMachine({
  id: 'initAll',
  context: ({ input }) => ({
    run: createStepRun(input.plan.nodes, input.width, findLostBefore(input.plan)),
    cleaned: [],
    started: [],
  }),
  initial: 'initializing',
  states: {
    initializing: {
      entry: 'startInit',
      on: {
        'xstate.done.actor.init.*': { actions: 'takeInit' },
        'xstate.error.actor.init.*': { actions: 'takeInit' },
        STOP: { actions: 'cancelInits' },
      },
      always: { guard: 'isDrained', target: 'readying', actions: 'abandonInits' },
    },
    // Also entered after a halt: then no hook starts, and every one settles as `notReached`.
    readying: {
      entry: 'startReady',
      on: {
        'xstate.done.actor.ready.*': { actions: 'takeReady' },
        'xstate.error.actor.ready.*': { actions: 'takeReady' },
        STOP: { actions: 'cancelReadies' },
      },
      always: { guard: 'isDrained', target: 'settled', actions: 'abandonReadies' },
    },
    settled: { type: 'final' },
  },
  output: ({ context }) => getOutput(context),
});

function findLostBefore(plan: MigratedPlan): ReadonlyMap<string, Preset> {
  return new Map(
    plan.lost.map(({ plugin, because }) => [plugin, { outcome: 'notReached', because }]),
  );
}

function listStarted({ run, cleaned }: InitAllContext): readonly string[] {
  return listRan(run).filter((id) => !cleaned.includes(id));
}

function cleansUpItself(result: InitResult): boolean {
  return result.status === 'failed' || result.status === 'timeout';
}

function getOutput({ run, started }: InitAllContext): InitAllOutput {
  const status = decideOutcome(run);
  if (status === 'canceled') return { status, started };
  if (status === 'failed') return { status, started, failures: run.failures };
  return { status, started, degraded: run.losses.length > 0 };
}
