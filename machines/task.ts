import { fromPromise, type PromiseActorLogic } from 'xstate';

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

export interface TaskArgs<Input> {
  readonly input: Input;
  /** Aborted by `CANCEL`, with its reason, and when XState stops the actor. */
  readonly signal: AbortSignal;
  /** Aborted by `WIND_DOWN`, and together with `signal`. Check it between two pieces of work. */
  readonly windDown: AbortSignal;
}

/**
 * The one actor logic of Slipway: a promise that can be canceled, and stays alive until it has ended. `run` resolves in every
 * expected case, also when it failed or was canceled; a rejection means a defect.
 *
 * XState's own promise actor ends when it is stopped, while its cleanup still runs and nothing waits for it.
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
    // A machine starts its children before its own first actions. Without this, a task would emit before its phase begins.
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

/** The two signals that end a task. Linked by hand, because `AbortSignal.any` doubles the cost of a task. */
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
