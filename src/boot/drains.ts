import { toError } from '../core/error-record.ts';
import { untilAborted } from '../core/patience.ts';

/** Finishes open work, such as the requests of a server. Ends early when `cut` is aborted. */
export type Drain = (cut: AbortSignal) => unknown;

/** The work of the host to finish before any plugin is stopped. All drains run side by side, once. */
export class Drains {
  readonly #drains = new Set<Drain>();
  #ended: Promise<readonly Error[]> | undefined;

  add(drain: Drain): () => void {
    this.#drains.add(drain);
    return () => void this.#drains.delete(drain);
  }

  /**
   * Runs all drains and resolves with their errors. Every call gives the same promise.
   *
   * @param cut Ends the wait for drains that hang.
   */
  run(cut: AbortSignal): Promise<readonly Error[]> {
    this.#ended ??= runAll([...this.#drains], cut);
    return this.#ended;
  }
}

async function runAll(drains: readonly Drain[], cut: AbortSignal): Promise<readonly Error[]> {
  const results = await Promise.allSettled(
    drains.map((drain) => untilAborted((async () => drain(cut))(), cut)),
  );
  return results.flatMap((result) =>
    result.status === 'rejected' ? [toError(result.reason)] : [],
  );
}
