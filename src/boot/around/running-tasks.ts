import { setMaxListeners } from 'node:events';
import { fromTask, type TaskArgs } from '../../../machines/index.ts';
import { onAbort } from '../../core/patience.ts';
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
  /** The work that runs, and how to cancel it. */
  readonly #running = new Map<Promise<unknown>, (reason: unknown) => void>();

  /** @param broken Aborted when the machine itself has broken: then every task ends. */
  constructor(broken: AbortSignal, telemetry: WorkTelemetry) {
    this.#broken = broken;
    this.#telemetry = telemetry;
    onAbort(broken, () => {
      for (const cancel of this.#running.values()) cancel(broken.reason);
    });
  }

  /** Makes a task that resolves with its error in place of throwing it. */
  readonly task = <Output, Input>(
    phase: Phase,
    run: (task: TaskArgs<Input>) => Promise<Output>,
  ): ReturnType<typeof fromTask<Output | Gone, Input>> =>
    fromTask<Output | Gone, Input>(async (task) => {
      if (this.#broken.aborted) task.cancel(this.#broken.reason);
      const running = this.#telemetry.inPhase(phase, () => run(task));
      this.#running.set(running, (reason) => task.cancel(reason));
      try {
        return await running;
      } catch (error) {
        return task.isCanceled ? { status: 'canceled' } : { status: 'failed', error };
      } finally {
        this.#running.delete(running);
      }
    }, allowManyListeners);

  /** Runs work that is no task of a machine. The way down waits for it too. The work must not reject. */
  async add(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = run(this.#broken);
    this.#running.set(running, () => {});
    await running;
    this.#running.delete(running);
  }

  /** Waits for every task that runs now. */
  async allSettled(): Promise<void> {
    await Promise.allSettled(this.#running.keys());
  }
}

/** A task may do many things at once: that is no leak. */
function allowManyListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
