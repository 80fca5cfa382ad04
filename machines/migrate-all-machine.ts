import { assertEvent, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { GraphNode, Preset } from '../src/core/schedule.ts';
import { ask, carryOut, endOf, type Hands, type StopEvent } from './carry-out.ts';
import {
  conclude,
  dismiss,
  fill,
  halt,
  idOf,
  isDrained,
  lossIn,
  muster,
  resume,
  setAside,
  verdict,
  whyLost,
  type Crew,
  type Move,
} from './crew.ts';
import { tellNobody, type Failure } from './news.ts';
import {
  stubs,
  type MigrateResult,
  type RegisterResult,
  type SurveyResult,
  type WaitResult,
} from './tasks.ts';

declare const migrated: unique symbol;

/** The plugins of a database that is fully migrated. Only {@link migrateAllMachine} makes one, and initAll asks for it. */
export interface MigratedPlan {
  readonly [migrated]: true;
  readonly nodes: readonly GraphNode[];
  /** Optional plugins that go no further, and why: `its migration failed`, `auth failed`. */
  readonly lost: readonly { readonly plugin: string; readonly because: string }[];
}

export interface MigrateAllInput {
  readonly nodes: readonly GraphNode[];
  /** How many plugins migrate at once. */
  readonly width: number;
}

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

type RegisterEnded =
  | DoneActorEvent<RegisterResult, 'register'>
  | ErrorActorEvent<unknown, 'register'>;

export interface MigrateAllContext {
  readonly crew: Crew;
  /** How often a plugin found its lock taken. */
  readonly attempts: Readonly<Record<string, number>>;
}

const base = setup({
  types: {
    input: {} as MigrateAllInput,
    output: {} as MigrateAllOutput,
    context: {} as MigrateAllContext,
    events: {} as StopEvent | SurveyEnded | MigrateEnded | WaitEnded | RegisterEnded,
  },
  actors: {
    survey: stubs.survey,
    migrate: stubs.migrate,
    wait: stubs.wait,
    register: stubs.register,
  },
  actions: { tell: tellNobody },
  guards: {
    isDrained: ({ context }) => isDrained(context.crew),
    hasComeThrough: ({ context: { crew } }) =>
      isDrained(crew) && verdict(dismiss(crew).crew) === 'done',
  },
});

const machine = base.extend({
  actions: {
    takeSurvey: base.assign(({ context, event }) => {
      assertEvent(event, ['xstate.done.actor.survey', 'xstate.error.actor.survey']);
      return { crew: surveyed(context.crew, endOf(event).result) };
    }),
    cancelSurvey: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ crew: halt(context.crew, 'stop', event.reason) });
      enqueue.sendTo('survey', { type: 'CANCEL', reason: event.reason });
    }),
    begin: base.enqueueActions(({ context, enqueue }) => {
      carryOut(enqueue, 'migrate', fill(context.crew));
    }),
    takeMigration: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.migrate.*', 'xstate.error.actor.migrate.*']);
      const { child, plugin, result } = endOf(event);
      enqueue.stopChild(child);
      if (result.status !== 'locked') {
        proceed(enqueue, context.crew, conclude(context.crew, plugin, result));
        return;
      }
      carryOut(enqueue, 'migrate', setAside(context.crew, plugin));
      if (context.crew.halt) return;
      const attempt = (context.attempts[plugin] ?? 0) + 1;
      enqueue.assign({ attempts: { ...context.attempts, [plugin]: attempt } });
      enqueue.spawnChild('wait', { id: `wait.${plugin}`, input: { plugin, attempt } });
    }),
    takeWait: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['xstate.done.actor.wait.*', 'xstate.error.actor.wait.*']);
      const { child, plugin, result } = endOf(event);
      enqueue.stopChild(child);
      const tooLong = result.status === 'failed';
      const move = tooLong ? conclude(context.crew, plugin, result) : resume(context.crew, plugin);
      proceed(enqueue, context.crew, move);
    }),
    cancelRegister: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'STOP');
      enqueue.assign({ crew: halt(context.crew, 'stop', event.reason) });
      enqueue.sendTo('register', { type: 'CANCEL', reason: event.reason });
    }),
    cancelAll: base.enqueueActions(({ context: { crew }, event, enqueue }) => {
      assertEvent(event, 'STOP');
      const { reason } = event;
      enqueue.assign({ crew: halt(crew, 'stop', reason) });
      ask(enqueue, 'migrate', crew, crew.live, { type: 'CANCEL', reason });
      ask(enqueue, 'wait', crew, crew.waiting, { type: 'CANCEL', reason });
    }),
    dismiss: base.enqueueActions(({ context, enqueue }) => {
      carryOut(enqueue, 'migrate', dismiss(context.crew));
    }),
  },
});

/** Carries out a move, and when it lost a required plugin lets the others end their work in good order. */
function proceed(enqueue: Hands<'migrate'>, before: Crew, move: Move): void {
  carryOut(enqueue, 'migrate', move);
  const reason = lossIn(before, move);
  if (reason === undefined) return;
  ask(enqueue, 'migrate', move.crew, move.crew.live, { type: 'WIND_DOWN', reason });
  ask(enqueue, 'wait', move.crew, move.crew.waiting, { type: 'CANCEL', reason });
}

/** Migrates every plugin, those it depends on first. Ends itself, and only after all that it began has. */
export const migrateAllMachine = machine.createMachine({
  id: 'migrateAll',
  context: ({ input }) => ({ crew: muster(input.nodes, input.width), attempts: {} }),
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
      entry: 'begin',
      on: {
        'xstate.done.actor.migrate.*': { actions: 'takeMigration' },
        'xstate.error.actor.migrate.*': { actions: 'takeMigration' },
        'xstate.done.actor.wait.*': { actions: 'takeWait' },
        'xstate.error.actor.wait.*': { actions: 'takeWait' },
        STOP: { actions: 'cancelAll' },
      },
      always: [
        { guard: 'hasComeThrough', target: 'registering', actions: 'dismiss' },
        { guard: 'isDrained', target: 'settled', actions: 'dismiss' },
      ],
    },
    // The first writes that are no migration; a registry that cannot be written keeps nobody from starting.
    registering: {
      invoke: { id: 'register', src: 'register', onDone: 'settled', onError: 'settled' },
      on: { STOP: { actions: 'cancelRegister' } },
    },
    settled: { type: 'final' },
  },
  output: ({ context }) => outputOf(context.crew),
});

/** What the survey found: some have nothing to do. A survey that did not succeed halts everybody. */
function surveyed(crew: Crew, result: SurveyResult): Crew {
  if (result.status === 'canceled') return halt(crew, 'stop', 'the survey was canceled');
  if (result.status === 'failed') {
    return { ...halt(crew, 'loss', 'the survey failed'), failures: [{ error: result.error }] };
  }
  const upToDate = result.upToDate.map((id): [string, Preset] => [id, { outcome: 'upToDate' }]);
  return { ...muster(crew.schedule.nodes, crew.width, new Map(upToDate)), halt: crew.halt };
}

function outputOf(crew: Crew): MigrateAllOutput {
  const status = verdict(crew);
  if (status === 'canceled') return { status };
  if (status === 'failed') return { status, failures: crew.failures };
  const lost = crew.losses.map((loss) => ({
    plugin: idOf(crew, loss.index),
    because: whyLost(loss, 'its migration'),
  }));
  return { status, plan: { nodes: crew.schedule.nodes, lost } as unknown as MigratedPlan };
}
