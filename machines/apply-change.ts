import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { Step } from '../src/core/steps.ts';
import { getId, type StepRun, type StepChange } from './step-run.ts';
import { stepFinished, type StepNews } from './news.ts';
import type { CancelEvent, WindDownEvent, Failed, InSlot } from './tasks.ts';

/** Asks a machine to end early. A boot then goes down. */
export interface StopEvent {
  readonly type: 'STOP';
  readonly reason: string;
}

/** The part of XState's `enqueue` that applies a change. */
export interface Enqueue<S extends Step> {
  (action: { readonly type: 'tell'; readonly params: StepNews }): void;
  assign(context: { run: StepRun }): void;
  spawnChild(task: S, options: { readonly id: string; readonly input: InSlot }): void;
  sendTo(child: string, event: CancelEvent | WindDownEvent): void;
}

/** Applies a change: keeps the run, emits what settled, and starts the tasks that have a slot. */
export function applyChange<S extends Step>(
  enqueue: Enqueue<NoInfer<S>>,
  step: S,
  change: StepChange,
): void {
  const { run, settled, start } = change;
  enqueue.assign({ run });
  for (const end of settled) {
    enqueue({ type: 'tell', params: stepFinished(step, getId(run, end.index), end) });
  }
  for (const input of start) enqueue.spawnChild(step, { id: `${step}.${input.plugin}`, input });
}

/** Sends an event to the tasks of these nodes. */
export function sendToTasks(
  enqueue: Pick<Enqueue<Step>, 'sendTo'>,
  task: Step | 'wait',
  run: StepRun,
  indices: readonly number[],
  event: CancelEvent | WindDownEvent,
): void {
  for (const index of indices) enqueue.sendTo(`${task}.${getId(run, index)}`, event);
}

/** A child that has ended, and its result. */
interface Ended<Result> {
  readonly child: string;
  readonly plugin: string;
  readonly result: Result | Failed;
}

/** Reads either of the two events that end a child. A rejection is a defect, and counts as failed. */
export function readEnd<Result>(event: DoneActorEvent<Result> | ErrorActorEvent): Ended<Result> {
  const child = event.actorId;
  return {
    child,
    plugin: child.slice(child.indexOf('.') + 1),
    result: 'output' in event ? event.output : { status: 'failed', error: event.error },
  };
}
