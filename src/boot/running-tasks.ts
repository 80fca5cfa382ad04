import { setMaxListeners } from 'node:events';
import { fromTask, type TaskArgs } from '../../machines/index.ts';

/** What a task says when it threw: that it was canceled, or why it failed. */
type Gone =
  | { readonly status: 'canceled' }
  | { readonly status: 'failed'; readonly error: unknown };

/** Makes tasks for the machines, and knows which of them still run when a machine has broken and waits for nobody. */
export class RunningTasks {
  readonly #broken: AbortSignal;
  readonly #running = new Set<Promise<unknown>>();

  /** @param broken Aborted when the machine itself has broken: then every task gives up. */
  constructor(broken: AbortSignal) {
    this.#broken = broken;
  }

  /** A task whose errors are results. */
  readonly task = <Output, Input>(
    run: (args: TaskArgs<Input>) => Promise<Output>,
  ): ReturnType<typeof fromTask<Output | Gone, Input>> =>
    fromTask<Output | Gone, Input>(async ({ input, signal, windDown }) => {
      const joined = AbortSignal.any([signal, this.#broken]);
      const joinedWindDown = AbortSignal.any([windDown, this.#broken]);
      // A task may do many things at once: that is no leak.
      setMaxListeners(0, joined, joinedWindDown);
      const running = run({ input, signal: joined, windDown: joinedWindDown });
      this.#running.add(running);
      try {
        return await running;
      } catch (error) {
        return joined.aborted ? { status: 'canceled' } : { status: 'failed', error };
      } finally {
        this.#running.delete(running);
      }
    });

  /** Resolves when none of those that run now runs any more. */
  async allSettled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
