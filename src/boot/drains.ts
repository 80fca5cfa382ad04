import { toError } from '../core/error-record.ts';
import { untilAborted } from '../core/patience.ts';

/** Finishes what is under way, such as the requests a server has taken. Gives up when `cut` is aborted. */
export type Drain = (cut: AbortSignal) => unknown;

/** What the host wants to finish before its plugins are stopped; all of it runs side by side, once. */
export class Drains {
  readonly #drains = new Set<Drain>();
  #ended: Promise<readonly Error[]> | undefined;

  add(drain: Drain): () => void {
    this.#drains.add(drain);
    return () => void this.#drains.delete(drain);
  }

  /**
   * Resolves when all have ended, with what went wrong; the same however often it is called.
   *
   * @param cut Ends the wait for those that hang.
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
