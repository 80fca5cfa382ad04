import { assertEvent, setup, type DoneActorEvent } from 'xstate';
import {
  chooseRemoval,
  restrictNodes,
  type ChosenRemoval,
  type RemovalRequest,
} from '../src/core/removal.ts';
import type { GraphNode } from '../src/core/schedule.ts';
import type { LaunchOutcome, RemovalOutcome } from '../src/core/steps.ts';
import type { StopEvent } from './apply-change.ts';
import { launchMachine, type LaunchInput, type LaunchOutput } from './launch-machine.ts';
import { ignoreNews, phaseFinished, phaseStarted, type ChangeNews, type Failure } from './news.ts';
import { stopAllMachine, type StopAllInput, type StopAllOutput } from './stop-all-machine.ts';

/** Asks for a launch of further plugins. The tasks know them by its number. */
export interface AddEvent {
  readonly type: 'ADD';
  readonly launch: number;
}

/** Asks for the stop of a plugin, and then to forget it. */
export interface RemoveEvent extends RemovalRequest {
  readonly type: 'REMOVE';
  readonly removal: number;
}

/** Cancels the changes that wait for their turn, because the boot is about to stop. The one that runs goes on. */
export interface CloseEvent {
  readonly type: 'CLOSE';
}

/** A change of the plugins of a boot that is up. */
export type Change = AddEvent | RemoveEvent;

/** Every plugin of a boot that is up, and which of them are to be stopped in the end. */
export interface UpPlugins {
  readonly nodes: readonly GraphNode[];
  readonly started: readonly string[];
}

/** The input of {@link changesMachine}. */
export type ChangesInput = UpPlugins & Pick<LaunchInput, 'migrateWidth' | 'initWidth'>;

/** The context of {@link changesMachine}. */
export interface ChangesContext extends ChangesInput {
  /** The change that takes place now; `null` while there is none. */
  readonly current: Change | null;
  /** The plugins that the current removal stops. */
  readonly removed: readonly string[];
  /** The end of the current launch, while what it started is stopped. */
  readonly failed: LaunchOutput | null;
  readonly queue: readonly Change[];
  /** The reason of the first STOP, if there was one. */
  readonly reason: string | null;
}

const base = setup({
  types: {
    input: {} as ChangesInput,
    output: {} as UpPlugins,
    context: {} as ChangesContext,
    events: {} as
      | StopEvent
      | CloseEvent
      | Change
      | DoneActorEvent<LaunchOutput, 'launch'>
      | DoneActorEvent<StopAllOutput, 'undo' | 'remove'>,
  },
  actors: { launch: launchMachine, stopAll: stopAllMachine },
  actions: { tell: ignoreNews },
  guards: {
    isStopping: ({ context }) => context.reason !== null,
    hasNext: ({ context }) => context.queue.length > 0,
    isAddition: ({ context }) => context.queue[0]?.type === 'ADD',
    isPossibleRemoval: ({ context }) => 'plugins' in chooseNext(context),
    isLaunched: ({ event }) => 'output' in event && hasEnded(event.output, 'launched'),
    hasFailed: ({ event }) => 'output' in event && hasEnded(event.output, 'failed'),
  },
});

const machine = base.extend({
  actions: {
    queue: base.assign(({ context, event }) => {
      assertEvent(event, ['ADD', 'REMOVE']);
      return { queue: [...context.queue, event] };
    }),
    keepReason: base.assign(({ context, event }) => {
      assertEvent(event, 'STOP');
      return { reason: context.reason ?? event.reason };
    }),
    stopLaunch: base.sendTo('launch', ({ event }) => event),
    beginLaunch: base.enqueueActions(({ context: { queue }, enqueue }) => {
      const [current = null, ...rest] = queue;
      enqueue.assign({ current, queue: rest });
      if (current?.type !== 'ADD') return;
      enqueue({ type: 'tell', params: { type: 'launch.started', launch: current.launch } });
    }),
    beginRemoval: base.enqueueActions(({ context, enqueue }) => {
      const [current = null, ...rest] = context.queue;
      const chosen = chooseNext(context);
      if (current?.type !== 'REMOVE' || !('plugins' in chosen)) return;
      const { removal, plugin } = current;
      const { plugins } = chosen;
      enqueue.assign({ current, queue: rest, removed: plugins });
      enqueue({ type: 'tell', params: { type: 'removal.started', removal, plugin, plugins } });
    }),
    refuse: base.enqueueActions(({ context, enqueue }) => {
      const [refused, ...queue] = context.queue;
      const chosen = chooseNext(context);
      enqueue.assign({ queue });
      if (refused?.type !== 'REMOVE' || !('because' in chosen)) return;
      const params = removalFinished(refused, [], 'refused', { because: chosen.because });
      enqueue({ type: 'tell', params });
    }),
    takeLaunch: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'xstate.done.actor.launch');
      enqueue.assign({ current: null, ...join(context, event.output) });
      enqueue({ type: 'tell', params: launchFinished(context, event.output) });
    }),
    keepFailure: base.assign(({ event }) => {
      assertEvent(event, 'xstate.done.actor.launch');
      return { failed: event.output };
    }),
    beginUndo: base.enqueueActions(({ context: { current }, enqueue }) => {
      if (current?.type !== 'ADD') return;
      enqueue({ type: 'tell', params: phaseStarted('stopAll', current.launch) });
    }),
    takeUndo: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'xstate.done.actor.undo');
      const { current, failed } = context;
      const { failures } = event.output;
      enqueue.assign({ current: null, failed: null });
      if (current?.type !== 'ADD' || !failed) return;
      const outcome = failures.length > 0 ? 'failed' : 'done';
      const params = phaseFinished('stopAll', current.launch, outcome, failures);
      enqueue({ type: 'tell', params });
      enqueue({ type: 'tell', params: launchFinished(context, failed) });
    }),
    takeRemoval: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'xstate.done.actor.remove');
      const { current, removed } = context;
      enqueue.assign({ current: null, removed: [], ...leave(context, removed) });
      if (current?.type !== 'REMOVE') return;
      const [first] = event.output.failures;
      const outcome = first ? 'failed' : 'done';
      enqueue({ type: 'tell', params: removalFinished(current, removed, outcome, first) });
    }),
    cancelQueue: base.enqueueActions(({ context: { queue }, enqueue }) => {
      enqueue.assign({ queue: [] });
      for (const change of queue) {
        const params: ChangeNews =
          change.type === 'ADD'
            ? { type: 'launch.finished', launch: change.launch, outcome: 'canceled' }
            : removalFinished(change, [], 'canceled');
        enqueue({ type: 'tell', params });
      }
    }),
  },
});

/** Changes wait for their turn, and STOP for the end of the one that runs. */
const whileBusy = {
  ADD: { actions: 'queue' },
  REMOVE: { actions: 'queue' },
  CLOSE: { actions: 'cancelQueue' },
  STOP: { actions: 'keepReason' },
} as const;

/**
 * Adds plugins to a boot that is up and removes them, one change after the other. What a failed addition has started is stopped
 * again, also after STOP, and everything else stays as it was. After STOP the change that runs ends first, and the others are
 * canceled.
 */
export const changesMachine = machine.createMachine({
  id: 'changes',
  context: ({ input }) => ({
    ...input,
    current: null,
    removed: [],
    failed: null,
    queue: [],
    reason: null,
  }),
  initial: 'serving',
  states: {
    serving: {
      on: whileBusy,
      always: [
        { guard: 'isStopping', target: 'settled' },
        { guard: 'isAddition', target: 'launching', actions: 'beginLaunch' },
        { guard: 'isPossibleRemoval', target: 'removing', actions: 'beginRemoval' },
        { guard: 'hasNext', actions: 'refuse' },
      ],
    },
    launching: {
      invoke: {
        id: 'launch',
        src: 'launch',
        input: ({ context: { current, migrateWidth, initWidth } }) => ({
          launch: current?.type === 'ADD' ? current.launch : Number.NaN,
          until: 'ready',
          migrateWidth,
          initWidth,
        }),
        onDone: [
          { guard: 'hasFailed', target: 'undoing', actions: 'keepFailure' },
          // What it has started is stopped with all the others.
          { guard: 'isStopping', target: 'settled', actions: 'takeLaunch' },
          { guard: 'isLaunched', target: 'serving', actions: 'takeLaunch' },
          { target: 'undoing', actions: 'keepFailure' },
        ],
      },
      on: { ...whileBusy, STOP: { actions: ['keepReason', 'stopLaunch'] } },
    },
    undoing: {
      entry: 'beginUndo',
      invoke: {
        id: 'undo',
        src: 'stopAll',
        input: ({ context: { failed } }): StopAllInput => ({
          nodes: failed?.nodes ?? [],
          started: failed?.started ?? [],
        }),
        onDone: { target: 'serving', actions: 'takeUndo' },
      },
      on: whileBusy,
    },
    removing: {
      invoke: {
        id: 'remove',
        src: 'stopAll',
        input: ({ context: { nodes, removed } }): StopAllInput => ({
          nodes: restrictNodes(nodes, new Set(removed)),
          started: removed,
        }),
        onDone: { target: 'serving', actions: 'takeRemoval' },
      },
      on: whileBusy,
    },
    settled: { type: 'final', entry: 'cancelQueue' },
  },
  output: ({ context: { nodes, started } }) => ({ nodes, started }),
});

/** Chooses what the next removal stops. A launch that comes first has no say in it. */
function chooseNext({ queue: [next], nodes, started }: ChangesContext): ChosenRemoval {
  if (next?.type === 'REMOVE') return chooseRemoval(nodes, started, next);
  return { because: 'it is not its turn' };
}

function hasEnded(output: LaunchOutput | StopAllOutput, outcome: LaunchOutput['outcome']): boolean {
  return 'outcome' in output && output.outcome === outcome;
}

/** Joins what a launch has started to what was up. */
function join(up: UpPlugins, { allNodes, started }: LaunchOutput): UpPlugins {
  return {
    nodes: allNodes.length > 0 ? allNodes : up.nodes,
    started: [...up.started, ...started],
  };
}

function leave({ nodes, started }: UpPlugins, removed: readonly string[]): UpPlugins {
  const isLeft = (id: string): boolean => !removed.includes(id);
  const left = new Set(nodes.map(({ id }) => id).filter(isLeft));
  return { nodes: restrictNodes(nodes, left), started: started.filter(isLeft) };
}

/** A launch that succeeded at the moment of STOP counts as canceled, because its plugins are stopped at once. */
function launchFinished({ current, reason }: ChangesContext, output: LaunchOutput): ChangeNews {
  const launch = current?.type === 'ADD' ? current.launch : Number.NaN;
  const [first] = output.failures;
  return {
    type: 'launch.finished',
    launch,
    outcome: readOutcome(output, reason !== null),
    ...(output.outcome === 'failed' && first && { error: first.error }),
  };
}

function readOutcome({ outcome, degraded }: LaunchOutput, isStopping: boolean): LaunchOutcome {
  if (outcome === 'failed') return 'failed';
  if (isStopping || outcome !== 'launched') return 'canceled';
  return degraded ? 'degraded' : 'ready';
}

function removalFinished(
  { removal, plugin }: RemoveEvent,
  plugins: readonly string[],
  outcome: RemovalOutcome,
  more: { readonly because?: string } | Failure = {},
): ChangeNews {
  return {
    type: 'removal.finished',
    removal,
    plugin,
    plugins,
    outcome,
    ...('error' in more && { error: more.error }),
    ...('because' in more && { because: more.because }),
  };
}
