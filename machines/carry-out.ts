import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { Step } from '../src/core/steps.ts';
import { idOf, type Crew, type Move } from './crew.ts';
import { stepFinished, type StepNews } from './news.ts';
import type { CancelEvent, WindDownEvent } from './task.ts';
import type { Failed, OfPlugin } from './tasks.ts';

export interface StopEvent {
  readonly type: 'STOP';
  readonly reason: string;
}

/** What a machine's actions do for a crew; XState's `enqueue` has these hands. */
export interface Hands<S extends Step> {
  (action: { readonly type: 'tell'; readonly params: StepNews }): void;
  assign(context: { crew: Crew }): void;
  spawnChild(task: S, options: { readonly id: string; readonly input: OfPlugin }): void;
  sendTo(child: string, event: CancelEvent | WindDownEvent): void;
}

/** Keeps the crew, tells who settled, and begins whose turn it is. */
export function carryOut<S extends Step>(enqueue: Hands<NoInfer<S>>, step: S, move: Move): void {
  const { crew, settled, begin } = move;
  enqueue.assign({ crew });
  for (const end of settled) {
    enqueue({ type: 'tell', params: stepFinished(step, idOf(crew, end.index), end) });
  }
  for (const plugin of begin) {
    enqueue.spawnChild(step, { id: `${step}.${plugin}`, input: { plugin } });
  }
}

/** Sends an event to the tasks of these nodes. */
export function ask(
  enqueue: Pick<Hands<Step>, 'sendTo'>,
  task: Step | 'wait',
  crew: Crew,
  indices: readonly number[],
  event: CancelEvent | WindDownEvent,
): void {
  for (const index of indices) enqueue.sendTo(`${task}.${idOf(crew, index)}`, event);
}

/** Who ended, and how. */
export interface Ended<Result> {
  readonly child: string;
  readonly plugin: string;
  readonly result: Result | Failed;
}

/** Reads either of the two events that end a child. One that rejected has a defect, and counts as failed. */
export function endOf<Result>(event: DoneActorEvent<Result> | ErrorActorEvent): Ended<Result> {
  const child = event.actorId;
  return {
    child,
    plugin: child.slice(child.indexOf('.') + 1),
    result: 'output' in event ? event.output : { status: 'failed', error: event.error },
  };
}
