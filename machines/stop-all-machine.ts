import { setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import { reverseNodes, type GraphNode, type Preset } from '../src/core/schedule.ts';
import { applyChange, readEnd } from './apply-change.ts';
import {
  settleTask,
  abandonRest,
  startNext,
  isDrained,
  createStepRun,
  type StepRun,
} from './step-run.ts';
import { ignoreNews, type Failure } from './news.ts';
import { stubs, type StopResult } from './tasks.ts';

/** The input of {@link stopAllMachine}. */
export interface StopAllInput {
  readonly nodes: readonly GraphNode[];
  /** The ids of the plugins to stop. */
  readonly started: readonly string[];
}

/** The end of stopAll, with the failures of the plugins that did not stop cleanly. */
export interface StopAllOutput {
  readonly failures: readonly Failure[];
}

type StopEnded =
  | DoneActorEvent<StopResult, `stop.${string}`>
  | ErrorActorEvent<unknown, `stop.${string}`>;

/**
 * High enough that a plugin hardly ever waits for a slot: the handlers of many may take seconds each, and the time of the way
 * down is limited. XState copies the record of all live children whenever one begins or ends, so that a stop costs three times
 * as much with 64 of them as with 24, and without a limit a thousand cost seconds.
 */
const stopWidth = 64;

const base = setup({
  types: {
    input: {} as StopAllInput,
    output: {} as StopAllOutput,
    context: {} as { readonly run: StepRun },
    events: {} as StopEnded,
  },
  actors: { stop: stubs.stop },
  actions: { tell: ignoreNews },
  guards: { isDrained: ({ context }) => isDrained(context.run) },
});

const machine = base.extend({
  actions: {
    start: base.enqueueActions(({ context, enqueue }) => {
      applyChange(enqueue, 'stop', startNext(context.run));
    }),
    settle: base.enqueueActions(({ context, event, enqueue }) => {
      const { child, plugin, result } = readEnd(event);
      enqueue.stopChild(child);
      applyChange(enqueue, 'stop', settleTask(context.run, plugin, result));
    }),
    abandonRest: base.enqueueActions(({ context, enqueue }) => {
      applyChange(enqueue, 'stop', abandonRest(context.run));
    }),
  },
});

/** Stops what has started, in reverse dependency order and side by side where the graph allows. It cannot be canceled. */
export const stopAllMachine = machine.createMachine({
  id: 'stopAll',
  context: ({ input }) => ({
    run: createStepRun(reverseNodes(input.nodes), stopWidth, findNeverStarted(input)),
  }),
  initial: 'stopping',
  states: {
    stopping: {
      entry: 'start',
      on: {
        'xstate.done.actor.stop.*': { actions: 'settle' },
        'xstate.error.actor.stop.*': { actions: 'settle' },
      },
      always: { guard: 'isDrained', target: 'settled', actions: 'abandonRest' },
    },
    settled: { type: 'final' },
  },
  output: ({ context }) => ({ failures: context.run.failures }),
});

function findNeverStarted({ nodes, started }: StopAllInput): ReadonlyMap<string, Preset> {
  const isStarted = new Set(started);
  return new Map(
    nodes
      .filter(({ id }) => !isStarted.has(id))
      .map(({ id }) => [id, { outcome: 'notReached', because: 'it was not started' }]),
  );
}
