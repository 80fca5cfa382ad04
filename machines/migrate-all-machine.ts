import { assertEvent, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { GraphNode, Preset } from '../src/core/schedule.ts';
import { sendToTasks, applyChange, readEnd, type Enqueue, type StopEvent } from './apply-change.ts';
import {
  settleTask,
  abandonRest,
  startNext,
  halt,
  getId,
  isDrained,
  listLive,
  findNewHalt,
  createStepRun,
  resumeTask,
  suspendTask,
  decideOutcome,
  explainLoss,
  type StepRun,
  type StepChange,
} from './step-run.ts';
import { ignoreNews, type Failure } from './news.ts';
import {
  stubs,
  type FlushResult,
  type MigrateResult,
  type RegisterResult,
  type SurveyResult,
  type WaitResult,
} from './tasks.ts';

declare const migrated: unique symbol;

/** The plugins of a fully migrated database. Only {@link migrateAllMachine} makes one, and initAll needs it. */
export interface MigratedPlan {
  readonly [migrated]: true;
  readonly nodes: readonly GraphNode[];
  /** Optional plugins that are lost, with the reason: `its migration failed`, `auth failed`. */
  readonly lost: readonly { readonly plugin: string; readonly because: string }[];
}

/** The input of {@link migrateAllMachine}. */
export interface MigrateAllInput {
  readonly nodes: readonly GraphNode[];
  /** How many plugins migrate at once. */
  readonly width: number;
}

/** The end of migrateAll. There is a plan for initAll only when it is `done`. */
export type MigrateAllOutput =
  | { readonly status: 'done'; readonly plan: MigratedPlan }
  | { readonly status: 'failed'; readonly failures: readonly Failure[] }
  | { readonly status: 'canceled' };

type SurveyEnded = DoneActorEvent<SurveyResult, 'survey'> | ErrorActorEvent<unknown, 'survey'>;
type MigrateEnded =
  | DoneActorEvent<MigrateResult, `migrate.${string}`>
  | ErrorActorEvent<unknown, `migrate.${string}`>;
type WaitEnded =
  | DoneActorEvent<WaitResult, `wait.${string}`>
  | ErrorActorEvent<unknown, `wait.${string}`>;

type FlushEnded = DoneActorEvent<FlushResult, 'flush'> | ErrorActorEvent<unknown, 'flush'>;
type RegisterEnded =
  | DoneActorEvent<RegisterResult, 'register'>
  | ErrorActorEvent<unknown, 'register'>;

/** The context of {@link migrateAllMachine}. */
export interface MigrateAllContext {
  readonly run: StepRun;
  /** How often a plugin found its lock taken. */
  readonly attempts: Readonly<Record<string, number>>;
}

const base = setup({
  types: {
    input: {} as MigrateAllInput,
    output: {} as MigrateAllOutput,
    context: {} as MigrateAllContext,
    events: {} as StopEvent | SurveyEnded | MigrateEnded | WaitEnded | FlushEnded | RegisterEnded,
  },
  actors: {
    survey: stubs.survey,
    migrate: stubs.migrate,
    wait: stubs.wait,
    flush: stubs.flush,
    register: stubs.register,
  },
  actions: { tell: ignoreNews },
  guards: {
    isDrained: ({ context }) => isDrained(context.run),
    hasSucceeded: ({ context, event }) =>
      'output' in event && event.output.status === 'done' && decideOutcome(context.run) === 'done',
  },
});

const machine = base.extend({
  actions: {
    takeSurvey: base.assign(({ context, event }) => {
      assertEvent(event, ['xstate.done.actor.survey', 'xstate.error.actor.survey']);
      return { run: applySurvey(context.run, readEnd(event).result) };
    }),
    cancelSurvey: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ run: halt(context.run, 'stop', event.reason) });
      enqueue.sendTo('survey', { type: 'CANCEL', reason: event.reason });
    }),
    start: base.enqueueActions(({ context, enqueue }) => {
      applyChange(enqueue, 'migrate', startNext(context.run));
    }),
    takeMigration: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.migrate.*', 'xstate.error.actor.migrate.*']);
      const { child, plugin, result } = readEnd(event);
      enqueue.stopChild(child);
      if (result.status !== 'locked') {
        proceed(enqueue, context.run, settleTask(context.run, plugin, result));
        return;
      }
      // Before the next plugin gets the slot, so that a reader of the events sees it free.
      if (!context.run.halt) {
        const attempt = (context.attempts[plugin] ?? 0) + 1;
        enqueue.assign({ attempts: { ...context.attempts, [plugin]: attempt } });
        enqueue.spawnChild('wait', { id: `wait.${plugin}`, input: { plugin, attempt } });
      }
      applyChange(enqueue, 'migrate', suspendTask(context.run, plugin));
    }),
    takeWait: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.wait.*', 'xstate.error.actor.wait.*']);
      const { child, plugin, result } = readEnd(event);
      enqueue.stopChild(child);
      const tooLong = result.status === 'failed';
      const change = tooLong
        ? settleTask(context.run, plugin, result)
        : resumeTask(context.run, plugin);
      proceed(enqueue, context.run, change);
    }),
    takeFlush: base.assign(({ context, event }) => {
      assertEvent(event, ['xstate.done.actor.flush', 'xstate.error.actor.flush']);
      return { run: applyFlush(context.run, readEnd(event).result) };
    }),
    cancelFlush: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ run: halt(context.run, 'stop', event.reason) });
      enqueue.sendTo('flush', { type: 'CANCEL', reason: event.reason });
    }),
    cancelRegister: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ run: halt(context.run, 'stop', event.reason) });
      enqueue.sendTo('register', { type: 'CANCEL', reason: event.reason });
    }),
    cancelAll: base.enqueueActions(({ context: { run }, event, enqueue }) => {
      assertEvent(event, 'STOP');
      const { reason } = event;
      enqueue.assign({ run: halt(run, 'stop', reason) });
      sendToTasks(enqueue, 'migrate', run, listLive(run), { type: 'CANCEL', reason });
      sendToTasks(enqueue, 'wait', run, run.waiting, { type: 'CANCEL', reason });
    }),
    abandonRest: base.enqueueActions(({ context, enqueue }) => {
      applyChange(enqueue, 'migrate', abandonRest(context.run));
    }),
  },
});

/** Applies a change. When it lost a required plugin, the others finish their current file. */
function proceed(enqueue: Enqueue<'migrate'>, before: StepRun, change: StepChange): void {
  applyChange(enqueue, 'migrate', change);
  const reason = findNewHalt(before, change);
  if (reason === undefined) return;
  sendToTasks(enqueue, 'migrate', change.run, listLive(change.run), { type: 'WIND_DOWN', reason });
  sendToTasks(enqueue, 'wait', change.run, change.run.waiting, { type: 'CANCEL', reason });
}

/** Migrates every plugin, after those it depends on. Ends by itself, after every task that it started. */
export const migrateAllMachine = machine.createMachine({
  id: 'migrateAll',
  context: ({ input }) => ({ run: createStepRun(input.nodes, input.width), attempts: {} }),
  initial: 'surveying',
  states: {
    surveying: {
      invoke: {
        id: 'survey',
        src: 'survey',
        onDone: {
          target: 'migrating',
          actions: 'takeSurvey',
        },
        onError: {
          target: 'migrating',
          actions: 'takeSurvey',
        },
      },
      on: { STOP: { actions: 'cancelSurvey' } },
    },
    migrating: {
      entry: 'start',
      on: {
        'xstate.done.actor.migrate.*': { actions: 'takeMigration' },
        'xstate.error.actor.migrate.*': { actions: 'takeMigration' },
        'xstate.done.actor.wait.*': { actions: 'takeWait' },
        'xstate.error.actor.wait.*': { actions: 'takeWait' },
        STOP: { actions: 'cancelAll' },
      },
      always: { guard: 'isDrained', target: 'flushing', actions: 'abandonRest' },
    },
    // Whatever the outcome: what a boot has committed stays, also when it has failed or was stopped.
    flushing: {
      invoke: {
        id: 'flush',
        src: 'flush',
        input: ({ context }) => ({ outcome: decideOutcome(context.run) }),
        onDone: [
          { guard: 'hasSucceeded', target: 'registering' },
          { target: 'settled', actions: 'takeFlush' },
        ],
        onError: { target: 'settled', actions: 'takeFlush' },
      },
      on: { STOP: { actions: 'cancelFlush' } },
    },
    // Written only after every migration. A registry that cannot be written does not stop the boot.
    registering: {
      invoke: { id: 'register', src: 'register', onDone: 'settled', onError: 'settled' },
      on: { STOP: { actions: 'cancelRegister' } },
    },
    settled: { type: 'final' },
  },
  output: ({ context }) => getOutput(context.run),
});

/** Applies the survey: plugins that are up to date settle at once. A survey that did not succeed halts the run. */
function applySurvey(run: StepRun, result: SurveyResult): StepRun {
  if (result.status === 'canceled') return halt(run, 'stop', 'the survey was canceled');
  if (result.status === 'failed') {
    return { ...halt(run, 'loss', 'the survey failed'), failures: [{ error: result.error }] };
  }
  const upToDate = result.upToDate.map((id): [string, Preset] => [id, { outcome: 'upToDate' }]);
  return { ...createStepRun(run.schedule.nodes, run.width, new Map(upToDate)), halt: run.halt };
}

/** Applies the result of the flush. It never masks an earlier end of the run. */
function applyFlush(run: StepRun, result: FlushResult): StepRun {
  if (result.status === 'done' || decideOutcome(run) !== 'done') return run;
  if (result.status === 'canceled') return halt(run, 'stop', 'the flush was canceled');
  const failures = [{ error: result.error }, ...run.failures];
  return { ...halt(run, 'loss', 'the flush failed'), failures };
}

function getOutput(run: StepRun): MigrateAllOutput {
  const status = decideOutcome(run);
  if (status === 'canceled') return { status };
  if (status === 'failed') return { status, failures: run.failures };
  const lost = run.losses.map((loss) => ({
    plugin: getId(run, loss.index),
    because: explainLoss(loss, 'its migration'),
  }));
  return { status, plan: { nodes: run.schedule.nodes, lost } as unknown as MigratedPlan };
}
