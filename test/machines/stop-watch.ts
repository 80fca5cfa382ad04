import type { NamedPlugin } from './changing-plugins.ts';
import { law } from './edge-reading.ts';

/** Plugins that are stopped together: by a removal, after a launch that failed, or at the end of the boot. */
export class StopWatch {
  readonly plugins: readonly NamedPlugin[];
  readonly #toStop: ReadonlySet<string>;
  readonly #begun = new Set<string>();
  readonly #ended = new Map<string, string>();
  readonly #settled = new Map<string, string>();

  constructor(plugins: readonly NamedPlugin[], toStop: readonly string[]) {
    this.plugins = plugins;
    this.#toStop = new Set(toStop);
  }

  get hasFailed(): boolean {
    return this.failures > 0;
  }

  get failures(): number {
    return [...this.#ended.values()].filter((status) => status !== 'done').length;
  }

  begin(plugin: string): void {
    law(this.#toStop.has(plugin), `stops ${plugin}, which is not up or has to stay`);
    law(!this.#begun.has(plugin), `stops ${plugin} twice`);
    this.#begun.add(plugin);
    for (const { id, needs, after } of this.plugins) {
      const isAbove = [...needs, ...after].includes(plugin);
      law(!isAbove || this.#settled.has(id), `stops ${plugin} before ${id}, which comes after it`);
    }
  }

  end(plugin: string, status: string): void {
    this.#ended.set(plugin, status === 'defect' ? 'failed' : status);
  }

  hear(plugin: string, outcome: string): void {
    const isHere = this.plugins.some(({ id }) => id === plugin);
    law(isHere, `tells of the stop of ${plugin}, which is not here`);
    law(!this.#settled.has(plugin), `settles the stop of ${plugin} twice`);
    const expected = this.#toStop.has(plugin) ? this.#ended.get(plugin) : 'notReached';
    law(outcome === expected, `the stop of ${plugin} is told as ${outcome}, was ${expected}`);
    this.#settled.set(plugin, outcome);
  }

  checkEnd(): void {
    for (const { id } of this.plugins) {
      law(this.#settled.has(id), `ends without settling the stop of ${id}`);
      law(!this.#toStop.has(id) || this.#ended.has(id), `ends without stopping ${id}`);
    }
  }
}
