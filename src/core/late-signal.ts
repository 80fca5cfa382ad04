/**
 * Aborts a signal that is made when it is first read. An `AbortSignal` costs more than all the rest of a small task, and few
 * tasks ever read theirs.
 */
export class LateSignal {
  readonly #prepare: (signal: AbortSignal) => void;
  #controller: AbortController | undefined;
  #makeReason: (() => unknown) | undefined;

  /** @param prepare Called with the signal when it is made. */
  constructor(prepare: (signal: AbortSignal) => void = () => {}) {
    this.#prepare = prepare;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      this.#prepare(this.#controller.signal);
      if (this.#makeReason) this.#controller.abort(this.#makeReason());
    }
    return this.#controller.signal;
  }

  /** Whether it is aborted, without making the signal. */
  get isAborted(): boolean {
    return this.#makeReason !== undefined;
  }

  /** Only the first call counts. The reason is made together with the signal, because an error with its stack costs as much. */
  abort(makeReason: () => unknown): void {
    if (this.#makeReason) return;
    this.#makeReason = makeReason;
    this.#controller?.abort(makeReason());
  }
}
