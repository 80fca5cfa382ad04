import { and, assertEvent, assign, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { GraphNode } from '../src/core/schedule.ts';
import type { phases, Step } from '../src/core/steps.ts';
import { readEnd, type StopEvent } from './apply-change.ts';
import { initAllMachine, type InitAllOutput } from './init-all-machine.ts';
import {
  migrateAllMachine,
  type MigrateAllOutput,
  type MigratedPlan,
} from './migrate-all-machine.ts';
import {
  firstLaunch,
  ignoreNews,
  phaseFinished,
  phaseStarted,
  stepFinished,
  type Failure,
} from './news.ts';
import { stubs, type DiscoverResult, type SortResult } from './tasks.ts';

/** A phase of a launch. */
export type LaunchPhase = (typeof phases)[number];
/** The end of a launch: the plugins are up or migrated, or it failed, or it was stopped. */
export type LaunchEnd = 'launched' | 'migrated' | 'failed' | 'canceled';

/** The input of {@link launchMachine}. */
export interface LaunchInput {
  /** Its number; the boot itself is launch 1. */
  readonly launch: number;
  /** `migrated` ends after migrateAll. */
  readonly until: 'ready' | 'migrated';
  readonly migrateWidth: number;
  readonly initWidth: number;
}

/** The output of {@link launchMachine}: how the launch ended, and what is to be stopped. */
export interface LaunchOutput {
  readonly outcome: LaunchEnd;
  /** Up, but without some optional plugin. */
  readonly degraded: boolean;
  /** First the failure that ended the launch. */
  readonly failures: readonly Failure[];
  /** The plugins of this launch. Empty unless sort has succeeded. */
  readonly nodes: readonly GraphNode[];
  /** The plugins that were up before, and then those of this launch. Empty unless sort has succeeded. */
  readonly allNodes: readonly GraphNode[];
  /** The ids of the plugins to stop. */
  readonly started: readonly string[];
  /** The phase in which the launch ended. */
  readonly phase: LaunchPhase;
  /** Why it was stopped, if it was. */
  readonly reason?: string;
}

type PhaseEnded =
  | DoneActorEvent<DiscoverResult, 'discover'>
  | DoneActorEvent<SortResult, 'sort'>
  | DoneActorEvent<MigrateAllOutput, 'migrateAll'>
  | DoneActorEvent<InitAllOutput, 'initAll'>
  | ErrorActorEvent<unknown, LaunchPhase>;

/** The context of {@link launchMachine}. */
export interface LaunchContext extends LaunchInput, LaunchOutput {
  readonly plan: MigratedPlan | null;
}

type PhaseResult = DiscoverResult | SortResult | MigrateAllOutput | InitAllOutput;

const base = setup({
  types: {
    input: {} as LaunchInput,
    output: {} as LaunchOutput,
    context: {} as LaunchContext,
    events: {} as StopEvent | PhaseEnded,
  },
  actors: {
    discover: stubs.discover,
    sort: stubs.sort,
    migrateAll: migrateAllMachine,
    initAll: initAllMachine,
  },
  actions: {
    tell: ignoreNews,
    enter: assign((_, params: { readonly phase: LaunchPhase }) => params),
    end: assign((_, params: { readonly outcome: LaunchEnd }) => params),
  },
  guards: {
    isDone: ({ event }) => 'output' in event && event.output.status === 'done',
    hasFailed: ({ event }) => 'output' in event && event.output.status === 'failed',
    isStopping: ({ context }) => context.reason !== undefined,
    isFarEnough: ({ context }) => context.until === 'migrated',
  },
});

const machine = base.extend({
  actions: {
    cancelTask: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ reason: context.reason ?? event.reason });
      enqueue.sendTo(context.phase, { type: 'CANCEL', reason: event.reason });
    }),
    stopPhase: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ reason: context.reason ?? event.reason });
      enqueue.sendTo(context.phase, event);
    }),
    leave: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.*', 'xstate.error.actor.*']);
      const { result } = readEnd<PhaseResult>(event);
      const failures = getFailures(result);
      enqueue.assign({ ...collectProgress(context, result), failures });
      const { phase, launch } = context;
      enqueue({ type: 'tell', params: phaseFinished(phase, launch, result.status, failures) });
    }),
    tellPhase: base.enqueueActions(({ context: { phase, launch }, enqueue }) => {
      enqueue({ type: 'tell', params: phaseStarted(phase, launch) });
    }),
    settleTheRest: base.enqueueActions(({ context, enqueue }) => {
      const because =
        context.outcome === 'migrated'
          ? 'the boot was asked to migrate only'
          : `the ${context.launch === firstLaunch ? 'boot' : 'launch'} ended in ${context.phase}`;
      for (const { id } of context.nodes) {
        for (const step of stepsAfter[context.phase]) {
          const params = stepFinished(step, id, { outcome: 'notReached', because });
          enqueue({ type: 'tell', params });
        }
      }
    }),
  },
});

const entering = <P extends LaunchPhase>(phase: P) =>
  [{ type: 'enter', params: { phase } }, 'tellPhase'] as const;

const ending = <O extends LaunchEnd>(outcome: O) =>
  [{ type: 'end', params: { outcome } }, 'settleTheRest'] as const;

/**
 * Runs the four phases. The first cause of the end decides the outcome: a failure after STOP is canceled, and a STOP after a
 * failure changes nothing. No phase begins after STOP.
 */
export const launchMachine = machine.createMachine({
  id: 'launch',
  context: ({ input }) => ({
    ...input,
    outcome: 'canceled',
    degraded: false,
    failures: [],
    nodes: [],
    allNodes: [],
    started: [],
    phase: 'discover',
    plan: null,
  }),
  initial: 'discover',
  states: {
    discover: {
      entry: entering('discover'),
      exit: 'leave',
      invoke: {
        id: 'discover',
        src: 'discover',
        input: ({ context: { launch } }) => ({ launch }),
        onDone: [
          { guard: 'isStopping', target: 'canceled' },
          { guard: 'isDone', target: 'sort' },
          { guard: 'hasFailed', target: 'failed' },
          { target: 'canceled' },
        ],
        onError: [{ guard: 'isStopping', target: 'canceled' }, { target: 'failed' }],
      },
      on: { STOP: { actions: 'cancelTask' } },
    },
    sort: {
      entry: entering('sort'),
      exit: 'leave',
      invoke: {
        id: 'sort',
        src: 'sort',
        onDone: [
          { guard: 'isStopping', target: 'canceled' },
          { guard: 'isDone', target: 'migrateAll' },
          { guard: 'hasFailed', target: 'failed' },
          { target: 'canceled' },
        ],
        onError: [{ guard: 'isStopping', target: 'canceled' }, { target: 'failed' }],
      },
      on: { STOP: { actions: 'cancelTask' } },
    },
    migrateAll: {
      entry: entering('migrateAll'),
      exit: 'leave',
      invoke: {
        id: 'migrateAll',
        src: 'migrateAll',
        input: ({ context }) => ({ nodes: context.nodes, width: context.migrateWidth }),
        onDone: [
          { guard: 'hasFailed', target: 'failed' },
          { guard: 'isStopping', target: 'canceled' },
          { guard: and(['isDone', 'isFarEnough']), target: 'migrated' },
          // The only way to an init. It needs the plan of a migrated database.
          { guard: 'isDone', target: 'initAll' },
          { target: 'canceled' },
        ],
        onError: 'failed',
      },
      on: { STOP: { actions: 'stopPhase' } },
    },
    initAll: {
      entry: entering('initAll'),
      exit: 'leave',
      invoke: {
        id: 'initAll',
        src: 'initAll',
        input: ({ context }) => ({ plan: getPlan(context), width: context.initWidth }),
        onDone: [
          { guard: 'hasFailed', target: 'failed' },
          { guard: 'isStopping', target: 'canceled' },
          { guard: 'isDone', target: 'launched' },
          { target: 'canceled' },
        ],
        onError: 'failed',
      },
      on: { STOP: { actions: 'stopPhase' } },
    },
    launched: { type: 'final', entry: ending('launched') },
    migrated: { type: 'final', entry: ending('migrated') },
    failed: { type: 'final', entry: ending('failed') },
    canceled: { type: 'final', entry: ending('canceled') },
  },
  output: ({ context }) => getOutput(context),
});

/** The steps that are still open after each phase. */
const stepsAfter: Readonly<Record<LaunchPhase, readonly Step[]>> = {
  discover: ['migrate', 'init', 'ready'],
  sort: ['migrate', 'init', 'ready'],
  migrateAll: ['init', 'ready'],
  initAll: [],
};

function getPlan({ plan }: LaunchContext): MigratedPlan {
  if (plan) return plan;
  throw new Error('No init may run before every migration has settled');
}

function getFailures(result: PhaseResult): readonly Failure[] {
  if (result.status !== 'failed') return [];
  return 'failures' in result ? result.failures : [{ error: result.error }];
}

/** Collects what a phase has found out. After a defect of initAll the started plugins are unknown, so it may be all. */
function collectProgress(
  { phase, nodes }: LaunchContext,
  result: PhaseResult,
): Partial<LaunchContext> {
  return {
    ...(phase === 'initAll' && { started: nodes.map(({ id }) => id) }),
    ...('nodes' in result && { nodes: result.nodes, allNodes: result.allNodes }),
    ...('plan' in result && { plan: result.plan }),
    ...('started' in result && { started: result.started }),
    ...('degraded' in result && { degraded: result.degraded }),
  };
}

function getOutput(context: LaunchContext): LaunchOutput {
  const { outcome, degraded, failures, nodes, allNodes, started, phase, reason } = context;
  return {
    outcome,
    degraded,
    failures,
    nodes,
    allNodes,
    started,
    phase,
    ...(reason !== undefined && { reason }),
  };
}
