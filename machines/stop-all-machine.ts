import { setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import { reverseNodes, type GraphNode, type Preset } from '../src/core/schedule.ts';
import { carryOut, endOf } from './carry-out.ts';
import { conclude, dismiss, fill, isDrained, muster, type Crew } from './crew.ts';
import { tellNobody, type Failure } from './news.ts';
import { stubs, type StopResult } from './tasks.ts';

export interface StopAllInput {
  readonly nodes: readonly GraphNode[];
  /** The ids of those that have something to stop. */
  readonly started: readonly string[];
}

export interface StopAllOutput {
  readonly failures: readonly Failure[];
}

type StopEnded =
  | DoneActorEvent<StopResult, `stop.${string}`>
  | ErrorActorEvent<unknown, `stop.${string}`>;

/**
 * So many stop side by side that none waits for another in practice. Without a bound a thousand live children cost
 * seconds: XState copies the record of all of them whenever one ends.
 */
const stopWidth = 64;

const base = setup({
  types: {
    input: {} as StopAllInput,
    output: {} as StopAllOutput,
    context: {} as { readonly crew: Crew },
    events: {} as StopEnded,
  },
  actors: { stop: stubs.stop },
  actions: { tell: tellNobody },
  guards: { isDrained: ({ context }) => isDrained(context.crew) },
});

const machine = base.extend({
  actions: {
    begin: base.enqueueActions(({ context, enqueue }) => {
      carryOut(enqueue, 'stop', fill(context.crew));
    }),
    settle: base.enqueueActions(({ context, event, enqueue }) => {
      const { child, plugin, result } = endOf(event);
      enqueue.stopChild(child);
      carryOut(enqueue, 'stop', conclude(context.crew, plugin, result));
    }),
    dismiss: base.enqueueActions(({ context, enqueue }) => {
      carryOut(enqueue, 'stop', dismiss(context.crew));
    }),
  },
});

/** Stops what has started, in reverse dependency order and side by side where the graph allows. Nothing cuts it short. */
export const stopAllMachine = machine.createMachine({
  id: 'stopAll',
  context: ({ input }) => ({
    crew: muster(reverseNodes(input.nodes), stopWidth, neverStarted(input)),
  }),
  initial: 'stopping',
  states: {
    stopping: {
      entry: 'begin',
      on: {
        'xstate.done.actor.stop.*': { actions: 'settle' },
        'xstate.error.actor.stop.*': { actions: 'settle' },
      },
      always: { guard: 'isDrained', target: 'settled', actions: 'dismiss' },
    },
    settled: { type: 'final' },
  },
  output: ({ context }) => ({ failures: context.crew.failures }),
});

function neverStarted({ nodes, started }: StopAllInput): ReadonlyMap<string, Preset> {
  const isStarted = new Set(started);
  return new Map(
    nodes
      .filter(({ id }) => !isStarted.has(id))
      .map(({ id }) => [id, { outcome: 'notReached', because: 'it was not started' }]),
  );
}
