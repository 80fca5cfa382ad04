import { setMaxListeners } from 'node:events';
import { fromTask, type TaskArgs } from '../../../machines/index.ts';
import type { Phase } from '../../core/steps.ts';
import type { WorkTelemetry } from '../../telemetry/work-telemetry.ts';

/** The result of a task that threw. */
type Gone =
  | { readonly status: 'canceled' }
  | { readonly status: 'failed'; readonly error: unknown };

/** Makes the tasks of the machines, and knows which of them run: a machine that has broken does not wait for them. */
export class RunningTasks {
  readonly #broken: AbortSignal;
  readonly #telemetry: WorkTelemetry;
  readonly #running = new Set<Promise<unknown>>();

  /** @param broken Aborted when the machine itself has broken: then every task ends. */
  constructor(broken: AbortSignal, telemetry: WorkTelemetry) {
    this.#broken = broken;
    this.#telemetry = telemetry;
  }

  /** Makes a task that resolves with its error in place of throwing it. */
  readonly task = <Output, Input>(
    phase: Phase,
    run: (args: TaskArgs<Input>) => Promise<Output>,
  ): ReturnType<typeof fromTask<Output | Gone, Input>> =>
    fromTask<Output | Gone, Input>(async ({ input, signal, windDown }) => {
      const joined = AbortSignal.any([signal, this.#broken]);
      const joinedWindDown = AbortSignal.any([windDown, this.#broken]);
      // A task may do many things at once: that is no leak.
      setMaxListeners(0, joined, joinedWindDown);
      const args = { input, signal: joined, windDown: joinedWindDown };
      const running = this.#telemetry.inPhase(phase, () => run(args));
      this.#running.add(running);
      try {
        return await running;
      } catch (error) {
        return joined.aborted ? { status: 'canceled' } : { status: 'failed', error };
      } finally {
        this.#running.delete(running);
      }
    });

  /** Runs work that is no task of a machine. The way down waits for it too. The work must not reject. */
  async add(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = run(this.#broken);
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }

  /** Waits for every task that runs now. */
  async allSettled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
