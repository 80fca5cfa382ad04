import { assertEvent, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { Preset } from '../src/core/schedule.ts';
import { ask, carryOut, endOf, type Hands, type StopEvent } from './carry-out.ts';
import {
  conclude,
  dismiss,
  fill,
  halt,
  isDrained,
  lossIn,
  muster,
  relieve,
  verdict,
  type Crew,
  type Move,
  type TaskEnd,
} from './crew.ts';
import type { MigratedPlan } from './migrate-all-machine.ts';
import { tellNobody, type Failure } from './news.ts';
import { stubs, type InitResult, type ReadyResult } from './tasks.ts';

export interface InitAllInput {
  readonly plan: MigratedPlan;
  /** How many plugins init at once, and how many ready hooks run at once. */
  readonly width: number;
}

/**
 * `started` are the plugins to stop: every one whose init began, except an optional one whose init failed or timed out
 * while the boot went on. That one cleans up in its own init task.
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

export interface InitAllContext {
  /** At work on `init`, then on `ready`. */
  readonly crew: Crew;
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
  actions: { tell: tellNobody },
  guards: { isDrained: ({ context }) => isDrained(context.crew) },
});

const machine = base.extend({
  actions: {
    beginInit: base.enqueueActions(({ context, enqueue }) => {
      const move = fill(context.crew);
      enqueue.assign({ started: [...context.started, ...move.begin] });
      proceed(enqueue, 'init', context.crew, move);
    }),
    takeInit: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.init.*', 'xstate.error.actor.init.*']);
      const { child, plugin, result } = endOf(event);
      enqueue.stopChild(child);
      const move = conclude(context.crew, plugin, result);
      const isClean = move.crew.halt === null && cleansUpItself(result);
      const started = isClean ? context.started.filter((id) => id !== plugin) : context.started;
      enqueue.assign({ started: [...started, ...move.begin] });
      proceed(enqueue, 'init', context.crew, move);
    }),
    cancelInits: base.enqueueActions(({ context: { crew }, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ crew: halt(crew, 'stop', event.reason) });
      ask(enqueue, 'init', crew, crew.live, { type: 'CANCEL', reason: event.reason });
    }),
    dismissInits: base.enqueueActions(({ context, enqueue }) => {
      carryOut(enqueue, 'init', dismiss(context.crew));
    }),
    beginReady: base.enqueueActions(({ context, enqueue }) => {
      const crew = relieve(context.crew, 'its init');
      proceed(enqueue, 'ready', crew, fill(crew));
    }),
    takeReady: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.ready.*', 'xstate.error.actor.ready.*']);
      const { child, plugin, result } = endOf(event);
      enqueue.stopChild(child);
      proceed(enqueue, 'ready', context.crew, conclude(context.crew, plugin, result));
    }),
    cancelReadies: base.enqueueActions(({ context: { crew }, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ crew: halt(crew, 'stop', event.reason) });
      ask(enqueue, 'ready', crew, crew.live, { type: 'CANCEL', reason: event.reason });
    }),
    dismissReadies: base.enqueueActions(({ context, enqueue }) => {
      carryOut(enqueue, 'ready', dismiss(context.crew));
    }),
  },
});

/** Carries out a move, and when it lost a required plugin cancels the others: the boot goes down. */
function proceed<S extends 'init' | 'ready'>(
  enqueue: Hands<NoInfer<S>>,
  step: S,
  before: Crew,
  move: Move,
): void {
  carryOut(enqueue, step, move);
  const reason = lossIn(before, move);
  if (reason === undefined) return;
  ask(enqueue, step, move.crew, move.crew.live, { type: 'CANCEL', reason });
}

/** Inits every plugin of a migrated database, then calls the ready hooks. Ends itself, after all that it began has. */
export const initAllMachine = machine.createMachine({
  id: 'initAll',
  context: ({ input }) => ({
    crew: muster(input.plan.nodes, input.width, lostBefore(input.plan)),
    started: [],
  }),
  initial: 'initializing',
  states: {
    initializing: {
      entry: 'beginInit',
      on: {
        'xstate.done.actor.init.*': { actions: 'takeInit' },
        'xstate.error.actor.init.*': { actions: 'takeInit' },
        STOP: { actions: 'cancelInits' },
      },
      always: { guard: 'isDrained', target: 'readying', actions: 'dismissInits' },
    },
    // Also entered on the way down: its crew is halted then, so that nobody begins and every hook settles `notReached`.
    readying: {
      entry: 'beginReady',
      on: {
        'xstate.done.actor.ready.*': { actions: 'takeReady' },
        'xstate.error.actor.ready.*': { actions: 'takeReady' },
        STOP: { actions: 'cancelReadies' },
      },
      always: { guard: 'isDrained', target: 'settled', actions: 'dismissReadies' },
    },
    settled: { type: 'final' },
  },
  output: ({ context }) => outputOf(context),
});

function lostBefore(plan: MigratedPlan): ReadonlyMap<string, Preset> {
  return new Map(
    plan.lost.map(({ plugin, because }) => [plugin, { outcome: 'notReached', because }]),
  );
}

function cleansUpItself(result: TaskEnd): boolean {
  return result.status === 'failed' || result.status === 'timeout';
}

function outputOf({ crew, started }: InitAllContext): InitAllOutput {
  const status = verdict(crew);
  if (status === 'canceled') return { status, started };
  if (status === 'failed') return { status, started, failures: crew.failures };
  return { status, started, degraded: crew.losses.length > 0 };
}
