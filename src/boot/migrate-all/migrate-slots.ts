import { onAbort } from '../../core/patience.ts';

/**
 * The places for migrations that run at once. A plugin has one for its whole turn. A plugin with tenants uses further ones as
 * long as no plugin waits for them, so that a thousand tenants do not keep other plugins waiting longer than one tenant takes.
 */
export class MigrateSlots {
  #free: number;
  /** The plugins that wait for a place, the first one first. */
  readonly #waiting: (() => void)[] = [];
  /** Called when a place is free that no plugin waits for. */
  readonly #listeners = new Set<() => void>();

  /** @param width How many there are. */
  constructor(width: number) {
    this.#free = width;
  }

  /** Whether a plugin waits for a place, so that spare ones are to be given back. */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * Waits for a place, and has it until `use` has settled.
   *
   * @returns undefined when the signal is aborted before there is one
   */
  async hold<T>(signal: AbortSignal, use: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#take(signal))) return undefined;
    try {
      return await use();
    } finally {
      this.#release();
    }
  }

  /** Runs `use` in a place that no plugin waits for; returns undefined when there is none. */
  holdSpare(use: () => Promise<void>): Promise<void> | undefined {
    if (this.#free === 0 || this.isWanted) return undefined;
    this.#free -= 1;
    return use().finally(() => this.#release());
  }

  /** Calls the listener each time a place may be spare. Returns a function that removes it. */
  onSpare(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #take(signal: AbortSignal): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const get = (): void => {
        stopListening();
        resolve(true);
      };
      this.#waiting.push(get);
      const stopListening = onAbort(signal, () => {
        const at = this.#waiting.indexOf(get);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        resolve(false);
      });
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) {
      next();
      return;
    }
    this.#free += 1;
    // The one that asks first next time is another one. Each that has asked goes to the end.
    for (const listener of Array.from(this.#listeners)) {
      if (this.#free === 0) return;
      this.#listeners.delete(listener);
      this.#listeners.add(listener);
      listener();
    }
  }
}
