import { toError } from '../core/error-record.ts';
import { hearRejection } from '../core/foreign-value.ts';
import type { Phase, Step } from '../core/steps.ts';
import { readTenant } from '../core/tenants.ts';
import type { Work, WorkWrapper } from '../core/work.ts';
import { traceStep } from './channels.ts';

interface WorkTelemetryParts {
  readonly bootId: string;
  /** Called with each failure of a wrapper. */
  readonly report: (error: Error) => void;
}

/**
 * Runs the work of a boot inside of the wrappers of listeners, and traces steps on their channels. Without wrappers and
 * subscribers it calls the work and makes nothing of its own.
 */
export class WorkTelemetry {
  readonly #parts: WorkTelemetryParts;
  #wrappers: readonly WorkWrapper[] = [];

  constructor(parts: WorkTelemetryParts) {
    this.#parts = parts;
  }

  /** Adds a wrapper, inside of those that are there. Returns a function that removes it. */
  add(wrapper: WorkWrapper): () => void {
    const added: WorkWrapper = (work, run) => wrapper(work, run);
    this.#wrappers = [...this.#wrappers, added];
    return () => {
      this.#wrappers = this.#wrappers.filter((other) => other !== added);
    };
  }

  /** Runs a task of a phase. */
  inPhase<Result>(phase: Phase, run: () => Promise<Result>): Promise<Result> {
    return this.#wrappers.length === 0 ? run() : this.#wrap({ phase }, run);
  }

  /** Runs a step, whose beginning has been emitted. */
  inStep<Result extends { readonly status: string }>(
    step: Step,
    plugin: string,
    run: () => Promise<Result>,
  ): Promise<Result> {
    return traceStep(this.#parts.bootId, step, plugin, () =>
      this.#wrappers.length === 0 ? run() : this.#wrap({ step, plugin }, run),
    );
  }

  /**
   * Runs an attempt at a migration file, whose beginning has been emitted.
   *
   * @param who The plugin, or one of its tenants: `shop/acme`.
   */
  inFile<Result>(who: string, file: string, run: () => Promise<Result>): Promise<Result> {
    const work = { step: 'migrate', ...readTenant(who), file } as const;
    return this.#wrappers.length === 0 ? run() : this.#wrap(work, run);
  }

  #wrap<Result>(work: Work, run: () => Promise<Result>): Promise<Result> {
    let running: Promise<Result> | undefined;
    this.#enter(this.#wrappers, work, () => {
      running = run();
    });
    return running ?? run();
  }

  /** Calls the first wrapper with the others inside. One that fails is left out. */
  #enter([first, ...rest]: readonly WorkWrapper[], work: Work, run: () => void): void {
    if (!first) {
      run();
      return;
    }
    let isEntered = false;
    const enter = (): void => {
      if (isEntered) return;
      isEntered = true;
      this.#enter(rest, work, run);
    };
    const report = (thrown: unknown): void => this.#parts.report(toError(thrown));
    try {
      hearRejection(first(work, enter), report);
    } catch (thrown) {
      report(thrown);
    }
    enter();
  }
}
