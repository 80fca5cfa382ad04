import type { PromiseActorLogic } from 'xstate';
import { LateSignal } from '../src/core/late-signal.ts';
import type { GraphNode } from '../src/core/schedule.ts';
import type { PhaseOutcome } from '../src/core/steps.ts';

/** The task has succeeded. */
export interface Done {
  readonly status: 'done';
}
/** The task has failed. */
export interface Failed {
  readonly status: 'failed';
  readonly error: unknown;
}
/** The task has taken longer than it may. */
export interface TimedOut {
  readonly status: 'timeout';
  readonly error: unknown;
}
/** The task has ended early, because it was asked to. */
export interface Canceled {
  readonly status: 'canceled';
}
/** Another process holds the lock; the task has released its client and its slot. */
export interface Locked {
  readonly status: 'locked';
}

/** The result of the task `discover`. */
export type DiscoverResult = Done | Failed | Canceled;
/** The result of the task `sort`: the sorted plugins of the launch, and all those of the boot. */
export type SortResult =
  | (Done & { readonly nodes: readonly GraphNode[]; readonly allNodes: readonly GraphNode[] })
  | Failed
  | Canceled;
/** `upToDate`: the ids of the plugins that have nothing to migrate. */
export type SurveyResult = (Done & { readonly upToDate: readonly string[] }) | Failed | Canceled;
/** A task that was wound down before its last file resolves with `canceled`. */
export type MigrateResult = Done | Failed | Canceled | Locked;
/** `done`: try again now; `failed`: the wait took too long. */
export type WaitResult = Done | Failed | Canceled;
/** `failed` only when the boot has no other reason to end. */
export type FlushResult = Done | Failed | Canceled;
/** The boot goes on, whatever the result. */
export type RegisterResult = Done | Failed | Canceled;
/** The result of a plugin's `init`. */
export type InitResult = Done | Failed | TimedOut | Canceled;
/** The result of a plugin's `ready` hook. */
export type ReadyResult = Done | Failed | TimedOut | Canceled;
/** A stop cannot be canceled: it has a time limit of its own. */
export type StopResult = Done | Failed | TimedOut;

/** The input of a task that works on one plugin. */
export interface OfPlugin {
  readonly plugin: string;
}

/** The input of a task that takes one of the slots of its phase. */
export interface InSlot extends OfPlugin {
  /** Counts from 1. */
  readonly slot: number;
}

/** The tasks that the machines name and never import. `provideMachines()` provides the real ones. */
export interface Tasks {
  /** `launch`: its number. No other launch runs at that time. */
  readonly discover: PromiseActorLogic<DiscoverResult, { readonly launch: number }>;
  readonly sort: PromiseActorLogic<SortResult, undefined>;
  readonly survey: PromiseActorLogic<SurveyResult, undefined>;
  readonly migrate: PromiseActorLogic<MigrateResult, InSlot>;
  /** `attempt` counts from 1 for each plugin. */
  readonly wait: PromiseActorLogic<WaitResult, OfPlugin & { readonly attempt: number }>;
  /** `outcome`: how the migrations have ended. */
  readonly flush: PromiseActorLogic<FlushResult, { readonly outcome: PhaseOutcome }>;
  readonly register: PromiseActorLogic<RegisterResult, undefined>;
  readonly init: PromiseActorLogic<InitResult, InSlot>;
  readonly ready: PromiseActorLogic<ReadyResult, InSlot>;
  readonly stop: PromiseActorLogic<StopResult, InSlot>;
}

/** The tasks until the real ones are provided, so that the machines can be drawn without them. */
export const stubs: Tasks = {
  discover: notProvided('discover'),
  sort: notProvided('sort'),
  survey: notProvided('survey'),
  migrate: notProvided('migrate'),
  wait: notProvided('wait'),
  flush: notProvided('flush'),
  register: notProvided('register'),
  init: notProvided('init'),
  ready: notProvided('ready'),
  stop: notProvided('stop'),
};

function notProvided<Output, Input>(task: keyof Tasks): PromiseActorLogic<Output, Input> {
  return fromTask<Output, Input>(() => Promise.reject(new Error(`Task ${task} is not provided`)));
}

/** Cancels a task. It stays alive until it has released what it holds. */
export interface CancelEvent {
  readonly type: 'CANCEL';
  readonly reason: string;
}

/** Asks a task to finish its current piece of work and to start no other. */
export interface WindDownEvent {
  readonly type: 'WIND_DOWN';
  readonly reason: string;
}

/** The argument of a task. */
export interface TaskArgs<Input> {
  readonly input: Input;
  /** Aborted by `CANCEL`, with its reason, and when XState stops the actor. */
  readonly signal: AbortSignal;
  /** Aborted by `WIND_DOWN`, and together with `signal`. Check it between two pieces of work. */
  readonly windDown: AbortSignal;
  /** Whether `signal` is aborted. A task that only needs to know this does not pay for a signal. */
  readonly isCanceled: boolean;
}

/**
 * The one actor logic of Slipway: a promise that can be canceled, and stays alive until it has ended. `run` resolves in every
 * expected case, also when it failed or was canceled; a rejection means a defect.
 *
 * XState's own promise actor ends when it is stopped, while its cleanup still runs and nothing waits for it.
 *
 * @param prepare Called with each signal that is made.
 * @example
 * fromTask<Result, { plugin: string }>(({ input, signal }) => startPlugin(input.plugin, signal))
 */
export function fromTask<Output, Input = undefined>(
  run: (task: RunningTask<Input>) => Promise<Output>,
  prepare?: (signal: AbortSignal) => void,
): PromiseActorLogic<Output, Input> {
  const tasks = new WeakMap<object, RunningTask<Input>>();
  return {
    getInitialSnapshot: (_, input) => ({ ...idle, input }),
    getPersistedSnapshot: (snapshot) => snapshot,

    start({ input }, { self }) {
      const task = new RunningTask(input as Input, prepare);
      tasks.set(self, task);
      const settle = (event: Settled<Output>): void => {
        tasks.delete(self);
        // A task that was stopped hard ends unheard.
        if (self.getSnapshot().status === 'active') self.send(event);
      };
      // A machine starts its children before its own first actions. Without this, a task would emit before its phase begins.
      void Promise.resolve()
        .then(() => run(task))
        .then(
          (output) => settle({ type: 'RESOLVED', output }),
          (error: unknown) => settle({ type: 'REJECTED', error }),
        );
    },

    transition(snapshot, event, { self }) {
      const task = tasks.get(self);
      switch (event.type) {
        case 'CANCEL':
          task?.cancel(event['reason']);
          return snapshot;
        case 'WIND_DOWN':
          task?.windDownFor(event['reason']);
          return snapshot;
        case 'RESOLVED':
          return { ...idle, status: 'done', output: event['output'] as Output };
        case 'REJECTED':
          return { ...idle, status: 'error', error: event['error'] };
        case 'xstate.stop':
          task?.cancel(undefined);
          return { ...idle, status: 'stopped' };
        default:
          return snapshot;
      }
    },
  };
}

/** The snapshot of a task, without what makes it the one of this task. */
const idle = { status: 'active', output: undefined, error: undefined, input: undefined } as const;

/** How a task has ended, as an event of its actor to itself. */
type Settled<Output> =
  | { readonly type: 'RESOLVED'; readonly output: Output }
  | { readonly type: 'REJECTED'; readonly error: unknown };

/** A task from its beginning to its end, with what can end it early. */
class RunningTask<Input> implements TaskArgs<Input> {
  readonly input: Input;
  readonly #cancel: LateSignal;
  readonly #windDown: LateSignal;

  constructor(input: Input, prepare?: (signal: AbortSignal) => void) {
    this.input = input;
    this.#cancel = new LateSignal(prepare);
    this.#windDown = new LateSignal(prepare);
  }

  get signal(): AbortSignal {
    return this.#cancel.signal;
  }

  get windDown(): AbortSignal {
    return this.#windDown.signal;
  }

  get isCanceled(): boolean {
    return this.#cancel.isAborted;
  }

  cancel(reason: unknown): void {
    this.#cancel.abort(() => reason);
    this.windDownFor(reason);
  }

  windDownFor(reason: unknown): void {
    this.#windDown.abort(() => reason);
  }
}
