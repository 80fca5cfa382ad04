import { fromPromise, type PromiseActorLogic } from 'xstate';

/** Asks a task to give up; it lives on until it has released what it held. */
export interface CancelEvent {
  readonly type: 'CANCEL';
  readonly reason: string;
}

/** Asks a task to finish what it holds and to begin nothing further. */
export interface WindDownEvent {
  readonly type: 'WIND_DOWN';
  readonly reason: string;
}

export interface TaskArgs<Input> {
  readonly input: Input;
  /** Aborted by `CANCEL`, with its reason, and when the actor is stopped hard. */
  readonly signal: AbortSignal;
  /** Aborted by `WIND_DOWN`, and whenever `signal` is: between two pieces of work it is enough to look here. */
  readonly windDown: AbortSignal;
}

/**
 * The one actor logic of Slipway: a promise that can be asked to end, and is alive until it has. `run` resolves in every
 * foreseen case, also when it failed or was canceled; a rejection means a defect.
 *
 * XState's own promise actor is done the moment it is stopped, while its cleanup still runs with nobody waiting for it.
 *
 * @example
 * fromTask<Result, { plugin: string }>(({ input, signal }) => startPlugin(input.plugin, signal))
 */
export function fromTask<Output, Input = undefined>(
  run: (args: TaskArgs<Input>) => Promise<Output>,
): PromiseActorLogic<Output, Input> {
  const endings = new WeakMap<object, Ending>();

  const promise = fromPromise<Output, Input>(async ({ input, signal: stopped, self }) => {
    const ending = new Ending();
    endings.set(self, ending);
    stopped.addEventListener('abort', () => ending.cancel(stopped.reason), { once: true });
    // A machine starts its children before its own first actions run: without this a task would speak before its phase.
    await Promise.resolve();
    return run({ input, signal: ending.signal, windDown: ending.windingDown });
  });

  return {
    ...promise,
    transition(snapshot, event, scope) {
      const ending = endings.get(scope.self);
      if (event.type === 'CANCEL') ending?.cancel(event['reason']);
      else if (event.type === 'WIND_DOWN') ending?.windDown(event['reason']);
      else return promise.transition(snapshot, event, scope);
      return snapshot;
    },
  };
}

/** The two ways to ask a task to end. Linked by hand: `AbortSignal.any` doubles the cost of a task. */
class Ending {
  readonly #cancel = new AbortController();
  readonly #windDown = new AbortController();
  readonly signal: AbortSignal = this.#cancel.signal;
  readonly windingDown: AbortSignal = this.#windDown.signal;

  cancel(reason: unknown): void {
    this.#cancel.abort(reason);
    this.windDown(reason);
  }

  windDown(reason: unknown): void {
    this.#windDown.abort(reason);
  }
}
