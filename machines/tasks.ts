import type { PromiseActorLogic } from 'xstate';
import type { GraphNode } from '../src/core/schedule.ts';
import { fromTask } from './task.ts';

export interface Done {
  readonly status: 'done';
}
export interface Failed {
  readonly status: 'failed';
  readonly error: unknown;
}
export interface TimedOut {
  readonly status: 'timeout';
  readonly error: unknown;
}
export interface Canceled {
  readonly status: 'canceled';
}
/** Another process holds the lock; the task has released its client and its slot. */
export interface Locked {
  readonly status: 'locked';
}

export type DiscoverResult = Done | Failed | Canceled;
export type SortResult = (Done & { readonly nodes: readonly GraphNode[] }) | Failed | Canceled;
/** `upToDate`: the ids of the plugins that have nothing to migrate. */
export type SurveyResult = (Done & { readonly upToDate: readonly string[] }) | Failed | Canceled;
/** A task that was wound down before its last file resolves with `canceled`. */
export type MigrateResult = Done | Failed | Canceled | Locked;
/** `done`: try again now; `failed`: the wait took too long. */
export type WaitResult = Done | Failed | Canceled;
/** The boot goes on, whatever the result. */
export type RegisterResult = Done | Failed | Canceled;
export type InitResult = Done | Failed | TimedOut | Canceled;
export type ReadyResult = Done | Failed | TimedOut | Canceled;
/** A stop cannot be canceled: it has a time limit of its own. */
export type StopResult = Done | Failed | TimedOut;

export interface OfPlugin {
  readonly plugin: string;
}

/** The tasks that the machines name and never import. {@link provideMachines} provides the real ones. */
export interface Tasks {
  readonly discover: PromiseActorLogic<DiscoverResult, undefined>;
  readonly sort: PromiseActorLogic<SortResult, undefined>;
  readonly survey: PromiseActorLogic<SurveyResult, undefined>;
  readonly migrate: PromiseActorLogic<MigrateResult, OfPlugin>;
  /** `attempt` counts from 1 for each plugin. */
  readonly wait: PromiseActorLogic<WaitResult, OfPlugin & { readonly attempt: number }>;
  readonly register: PromiseActorLogic<RegisterResult, undefined>;
  readonly init: PromiseActorLogic<InitResult, OfPlugin>;
  readonly ready: PromiseActorLogic<ReadyResult, OfPlugin>;
  readonly stop: PromiseActorLogic<StopResult, OfPlugin>;
}

/** The tasks until the real ones are provided, so that the machines can be drawn without them. */
export const stubs: Tasks = {
  discover: notProvided('discover'),
  sort: notProvided('sort'),
  survey: notProvided('survey'),
  migrate: notProvided('migrate'),
  wait: notProvided('wait'),
  register: notProvided('register'),
  init: notProvided('init'),
  ready: notProvided('ready'),
  stop: notProvided('stop'),
};

function notProvided<Output, Input>(task: keyof Tasks): PromiseActorLogic<Output, Input> {
  return fromTask<Output, Input>(() => Promise.reject(new Error(`Task ${task} is not provided`)));
}
