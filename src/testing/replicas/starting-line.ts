import { setTimeout as pause } from 'node:timers/promises';

/** How long a replica waits for the others. One may wait itself for something that another holds until it is ready. */
const waitsMs = 1_000;

/** Where replicas wait for one another before the `init` of a plugin. */
export class StartingLine {
  #runners: number;
  readonly #goesFirst: string | undefined;
  readonly #waiting = new Map<string, (() => void)[]>();
  #hasFirst = false;

  /**
   * @param goesFirst A plugin in whose `init` a replica is killed: the first one to arrive goes on alone, and the others wait until
   *   it is dead. It is then the one that has begun, and not one that found all done.
   */
  constructor(runners: number, goesFirst: string | undefined) {
    this.#runners = runners;
    this.#goesFirst = goesFirst;
  }

  /** Resolves when every replica that is still there has arrived, or after a second. */
  readonly arrive = async (plugin: string): Promise<void> => {
    if (plugin === this.#goesFirst && !this.#hasFirst) {
      this.#hasFirst = true;
      return;
    }
    const all = this.#waiting.get(plugin) ?? [];
    this.#waiting.set(plugin, all);
    const complete = new Promise<void>((resolve) => all.push(resolve));
    this.#release();
    await Promise.race([complete, pause(waitsMs, undefined, { ref: false })]);
  };

  /** Called for a replica that was killed, or has failed: it will not arrive any more. */
  leave(): void {
    this.#runners -= 1;
    this.#release();
  }

  #release(): void {
    for (const all of this.#waiting.values()) {
      if (all.length >= this.#runners) for (const go of all) go();
    }
  }
}
