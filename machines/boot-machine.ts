import { assertEvent, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { StopEvent } from './apply-change.ts';
import { changesMachine, type Change, type CloseEvent, type UpPlugins } from './changes-machine.ts';
import { initAllMachine } from './init-all-machine.ts';
import { launchMachine, type LaunchInput, type LaunchOutput } from './launch-machine.ts';
import { migrateAllMachine } from './migrate-all-machine.ts';
import {
  firstLaunch,
  ignoreNews,
  phaseFinished,
  phaseStarted,
  type Failure,
  type MachineNews,
} from './news.ts';
import { stopAllMachine, type StopAllOutput } from './stop-all-machine.ts';
import type { Tasks } from './tasks.ts';

/** Begins a boot. */
export interface StartEvent {
  readonly type: 'START';
  readonly until: LaunchInput['until'];
}

/** The input of {@link bootMachine}: how many plugins migrate, and how many start, side by side. */
export type BootInput = Pick<LaunchInput, 'migrateWidth' | 'initWidth'>;

/** The output of {@link bootMachine}: how the boot ended. */
export interface BootOutput {
  readonly outcome: 'stopped' | 'failed';
  /** `null` when it never began, or ended with a defect. */
  readonly launch: LaunchOutput | null;
  readonly stopFailures: readonly Failure[];
  /** The reason of the first STOP, if there was one. */
  readonly reason: string | null;
  /** A defect of the machines themselves. */
  readonly defect?: unknown;
}

/** The context of {@link bootMachine}. */
export interface BootContext extends BootInput, Omit<BootOutput, 'outcome'> {
  readonly until: LaunchInput['until'];
  /** What is to be stopped in the end. */
  readonly up: UpPlugins;
}

const base = setup({
  types: {
    input: {} as BootInput,
    output: {} as BootOutput,
    context: {} as BootContext,
    events: {} as
      | StartEvent
      | StopEvent
      | CloseEvent
      | Change
      | DoneActorEvent<LaunchOutput, 'launch'>
      | DoneActorEvent<UpPlugins, 'changes'>
      | DoneActorEvent<StopAllOutput, 'stopAll'>
      | ErrorActorEvent<unknown, 'launch' | 'changes' | 'stopAll'>,
  },
  actors: { launch: launchMachine, changes: changesMachine, stopAll: stopAllMachine },
  actions: { tell: ignoreNews },
  guards: {
    isUp: ({ context, event }) =>
      'output' in event &&
      'outcome' in event.output &&
      event.output.outcome === 'launched' &&
      context.reason === null,
    hasFailed: ({ context }) => hasFailed(context),
  },
});

const machine = base.extend({
  actions: {
    takeStart: base.assign(({ event }) => {
      assertEvent(event, 'START');
      return { until: event.until };
    }),
    keepReason: base.assign(({ context, event }) => {
      assertEvent(event, 'STOP');
      return { reason: context.reason ?? event.reason };
    }),
    stopLaunch: base.sendTo('launch', ({ event }) => event),
    passOn: base.sendTo('changes', ({ event }) => event),
    takeLaunch: base.assign(({ context, event }) => {
      assertEvent(event, 'xstate.done.actor.launch');
      const { nodes, started } = event.output;
      return { launch: markAsStopped(event.output, context.reason), up: { nodes, started } };
    }),
    takeChanges: base.assign(({ event }) => {
      assertEvent(event, 'xstate.done.actor.changes');
      return { up: event.output };
    }),
    takeStops: base.enqueueActions(({ event, enqueue }) => {
      assertEvent(event, 'xstate.done.actor.stopAll');
      const { failures } = event.output;
      enqueue.assign({ stopFailures: failures });
      enqueue({
        type: 'tell',
        params: phaseFinished(
          'stopAll',
          firstLaunch,
          failures.length > 0 ? 'failed' : 'done',
          failures,
        ),
      });
    }),
    takeDefect: base.assign(({ context, event }) => {
      assertEvent(event, 'xstate.error.actor.*');
      return { defect: context.defect ?? event.error };
    }),
  },
});

/** A boot: its launch, the time it is up, in which plugins come and go, and stopAll, which follows every launch whatever its outcome. */
export const bootMachine = machine.createMachine({
  id: 'boot',
  context: ({ input }) => ({
    ...input,
    until: 'ready',
    launch: null,
    stopFailures: [],
    reason: null,
    up: { nodes: [], started: [] },
  }),
  initial: 'idle',
  states: {
    idle: {
      on: {
        START: { target: 'launching', actions: 'takeStart' },
        STOP: { target: 'stopped', actions: 'keepReason' },
      },
    },
    launching: {
      invoke: {
        id: 'launch',
        src: 'launch',
        input: ({ context: { until, migrateWidth, initWidth } }) => ({
          launch: firstLaunch,
          until,
          migrateWidth,
          initWidth,
        }),
        onDone: [
          { guard: 'isUp', target: 'ready', actions: 'takeLaunch' },
          { target: 'stopAll', actions: 'takeLaunch' },
        ],
        onError: { target: 'stopAll', actions: 'takeDefect' },
      },
      on: { STOP: { actions: ['keepReason', 'stopLaunch'] } },
    },
    ready: {
      invoke: {
        id: 'changes',
        src: 'changes',
        input: ({ context: { up, migrateWidth, initWidth } }) => ({
          ...up,
          migrateWidth,
          initWidth,
        }),
        onDone: { target: 'stopAll', actions: 'takeChanges' },
        onError: { target: 'stopAll', actions: 'takeDefect' },
      },
      on: {
        ADD: { actions: 'passOn' },
        REMOVE: { actions: 'passOn' },
        CLOSE: { actions: 'passOn' },
        STOP: { actions: ['keepReason', 'passOn'] },
      },
    },
    stopAll: {
      entry: { type: 'tell', params: phaseStarted('stopAll', firstLaunch) },
      invoke: {
        id: 'stopAll',
        src: 'stopAll',
        input: ({ context: { up } }) => up,
        onDone: [
          { guard: 'hasFailed', target: 'failed', actions: 'takeStops' },
          { target: 'stopped', actions: 'takeStops' },
        ],
        onError: { target: 'failed', actions: 'takeDefect' },
      },
    },
    stopped: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context }) => getOutput(context),
});

function hasFailed({ launch, defect }: BootContext): boolean {
  return defect !== undefined || launch?.outcome === 'failed';
}

/** A launch that succeeded at the moment of STOP counts as canceled, because it is never reported as ready. */
function markAsStopped(launch: LaunchOutput, reason: string | null): LaunchOutput {
  if (reason === null || launch.outcome !== 'launched') return launch;
  return { ...launch, outcome: 'canceled', reason };
}

function getOutput(context: BootContext): BootOutput {
  const { launch, stopFailures, reason, defect } = context;
  return {
    outcome: hasFailed(context) ? 'failed' : 'stopped',
    launch,
    stopFailures,
    reason,
    ...(defect !== undefined && { defect }),
  };
}

/**
 * Provides the boot machine with real tasks and a listener.
 *
 * @param tell Must not throw, because no machine could catch the error.
 * @example createActor(provideMachines(tasks, (event) => console.log(event)), { input: { migrateWidth: 4, initWidth: 8 } })
 */
export function provideMachines(
  tasks: Tasks,
  tell: (news: MachineNews) => void,
): typeof bootMachine {
  const actions = { tell: (_: unknown, news: MachineNews): void => tell(news) };
  const { discover, sort, survey, migrate, wait, flush, register, init, ready, stop } = tasks;
  const migrateAll = migrateAllMachine.provide({
    actors: { survey, migrate, wait, flush, register },
    actions,
  });
  const initAll = initAllMachine.provide({ actors: { init, ready }, actions });
  const stopAll = stopAllMachine.provide({ actors: { stop }, actions });
  const launch = launchMachine.provide({
    actors: { discover, sort, migrateAll, initAll },
    actions,
  });
  const changes = changesMachine.provide({ actors: { launch, stopAll }, actions });
  return bootMachine.provide({ actors: { launch, changes, stopAll }, actions });
}
