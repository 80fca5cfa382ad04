import { channel, tracingChannel } from 'node:diagnostics_channel';
import { copyError } from '../core/error-record.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import type { Phase, Step } from '../core/steps.ts';
import type { Listener } from './bus.ts';

/** The message of a tracing channel; at the end with `result`, which is the outcome, or with `error`. Subscribers may add to it. */
interface Traced {
  readonly bootId: string;
  readonly phase?: Phase;
  readonly plugin?: string;
  result?: string;
  error?: Error;
}

const open = (name: 'boot' | 'phase' | Step) => tracingChannel<unknown, Traced>(`slipway.${name}`);

const channels = {
  boot: open('boot'),
  phase: open('phase'),
  migrate: open('migrate'),
  init: open('init'),
  ready: open('ready'),
  stop: open('stop'),
};
const events = channel('slipway.event');

/** Traces a launch on `slipway.boot`. */
export function traceLaunch<Report extends { readonly outcome: string }>(
  bootId: string,
  launch: () => Promise<Report>,
): Promise<Report> {
  if (!channels.boot.hasSubscribers) return launch();
  return trace(channels.boot, { bootId }, launch, ({ outcome }) => outcome);
}

/** The result of a step's task. */
interface TaskResult {
  readonly status: string;
  readonly error?: unknown;
}

/** Traces a run of a step on `slipway.migrate`, `slipway.init`, `slipway.ready` or `slipway.stop`. */
export function traceStep<Result extends TaskResult>(
  bootId: string,
  step: Step,
  plugin: string,
  run: () => Promise<Result>,
): Promise<Result> {
  if (!channels[step].hasSubscribers) return run();
  return trace(channels[step], { bootId, plugin }, run, ({ status, error }) => {
    if (error !== undefined) throw error;
    return status;
  });
}

/**
 * Traces a promise on a channel, where its outcome is published in place of its value. Errors are published as copies: the
 * error of a plugin may hold anything, such as the configuration of a client.
 */
async function trace<Value>(
  to: (typeof channels)['boot'],
  context: Traced,
  run: () => Promise<Value>,
  readOutcome: (value: Value) => string,
): Promise<Value> {
  let running: Promise<Value> | undefined;
  const outcome = async (): Promise<string> => {
    running = run();
    try {
      return readOutcome(await running);
    } catch (thrown) {
      throw copyError(thrown);
    }
  };
  try {
    await to.tracePromise(outcome, context);
  } catch {
    // The caller gets the error itself.
  }
  return running ?? run();
}

/**
 * Publishes every event on `slipway.event`, and traces the phases on `slipway.phase`. A phase is a state of a machine and no
 * function, so that its messages are published at its two events.
 */
export function createChannelListener(): Listener<BootEvent> {
  const running = new Map<Phase, Traced>();
  return (event) => {
    if (events.hasSubscribers) events.publish(copyEvent(event));
    if (event.type === 'phase.started' && channels.phase.hasSubscribers) {
      const context = { bootId: event.bootId, phase: event.phase };
      running.set(event.phase, context);
      channels.phase.start.publish(context);
      channels.phase.end.publish(context);
    } else if (event.type === 'phase.finished') {
      const context = running.get(event.phase);
      running.delete(event.phase);
      if (context) publishEnd(context, event);
    }
  };
}

function publishEnd(context: Traced, { outcome, error }: BootEventOf<'phase.finished'>): void {
  const { phase } = channels;
  if (error) {
    context.error = copyError(error);
    phase.error.publish(context);
  } else {
    context.result = outcome;
  }
  phase.asyncStart.publish(context);
  phase.asyncEnd.publish(context);
}

function copyEvent(event: BootEvent): BootEvent {
  const copy = { ...event } as BootEvent & { error?: Error; errors?: readonly Error[] };
  if (copy.error) copy.error = copyError(copy.error);
  if (copy.errors) copy.errors = copy.errors.map(copyError);
  return copy;
}
