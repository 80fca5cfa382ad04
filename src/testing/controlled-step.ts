/** The options of {@link ControlledStep.hold}. */
export interface HoldOptions {
  /**
   * Whether a call that is held also stays when the boot asks it to end, as that of a plugin which ignores its `signal`.
   *
   * @default false
   */
  readonly ignoreSignal?: boolean;
}

/** The calls of one step of a controllable plugin. A call goes through at once, unless the step is held. */
export interface ControlledStep<Context = void, Result = void> {
  /** The number of calls so far. */
  readonly calls: number;
  /** Resolves at the first call, with what the plugin was called with. */
  readonly called: Promise<Context>;
  /**
   * Resolves at the n-th call, with what the plugin was called with.
   *
   * @param n Counts from 1.
   * @throws RangeError for any other number
   */
  nthCall(n: number): Promise<Context>;
  /** Lets calls wait from now on, each until `finish()`, `fail()` or `release()`, or until its signal is aborted. */
  hold(options?: HoldOptions): void;
  /** Ends the call that has waited longest. When none waits, the next call ends so at once. */
  finish(result?: Result): void;
  /** Lets that call fail: the one that has waited longest, or else the next one. */
  fail(error: unknown): void;
  /** Lets all calls go through, those that wait and those to come. */
  release(): void;
}

/** Ends a call, with a result or by throwing. */
type Outcome<Result> = () => Result | undefined;

/** A {@link ControlledStep} with the method that the plugin calls. */
export class StepControl<Context, Result> implements ControlledStep<Context, Result> {
  #calls: readonly Context[] = [];
  #isHeld = false;
  #ignoresSignal = false;
  /** What the test has decided before there was a call. */
  readonly #decided: Outcome<Result>[] = [];
  readonly #waiting = new Set<(outcome: Outcome<Result>) => void>();
  readonly #watchers = new Set<() => void>();
  readonly #usual: Result | undefined;

  /** @param usual The result of a call that goes through, or is finished without another one. */
  constructor(usual?: Result) {
    this.#usual = usual;
  }

  get calls(): number {
    return this.#calls.length;
  }

  get called(): Promise<Context> {
    return this.nthCall(1);
  }

  nthCall(n: number): Promise<Context> {
    if (!Number.isInteger(n) || n < 1) {
      throw new RangeError(`Expected the number of a call to be an integer from 1, got ${n}`);
    }
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.calls < n) return;
        this.#watchers.delete(look);
        resolve(this.#calls[n - 1] as Context);
      };
      this.#watchers.add(look);
      look();
    });
  }

  hold({ ignoreSignal = false }: HoldOptions = {}): void {
    this.#isHeld = true;
    this.#ignoresSignal = ignoreSignal;
  }

  finish(result?: Result): void {
    this.#end(() => result ?? this.#usual);
  }

  fail(error: unknown): void {
    this.#end(() => {
      throw error;
    });
  }

  release(): void {
    this.#isHeld = false;
    for (const end of this.#waiting) end(() => this.#usual);
  }

  /** Runs one call of the step. */
  async run(context: Context, signal?: AbortSignal): Promise<Result | undefined> {
    this.#calls = [...this.#calls, context];
    const decided = this.#decided.shift();
    const outcome = decided ?? (this.#isHeld ? this.#wait(signal) : () => this.#usual);
    for (const look of this.#watchers) look();
    return (await outcome)();
  }

  #end(outcome: Outcome<Result>): void {
    const [longest] = this.#waiting;
    if (longest) longest(outcome);
    else this.#decided.push(outcome);
  }

  #wait(signal: AbortSignal | undefined): Promise<Outcome<Result>> {
    return new Promise((resolve) => {
      const giveUp = (): void =>
        end(() => {
          throw signal?.reason;
        });
      const end = (outcome: Outcome<Result>): void => {
        this.#waiting.delete(end);
        signal?.removeEventListener('abort', giveUp);
        resolve(outcome);
      };
      this.#waiting.add(end);
      if (this.#ignoresSignal) return;
      if (signal?.aborted) giveUp();
      else signal?.addEventListener('abort', giveUp);
    });
  }
}
