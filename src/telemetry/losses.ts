import type { BootEvent, BootEventOf } from '../core/events.ts';
import { groupEdges } from '../core/graph-edges.ts';
import { joinNames } from '../core/printable.ts';

/** The plugins that are lost with an optional plugin that failed. */
export interface Loss {
  /** The plugins that need it, directly or through others. */
  readonly lost: readonly string[];
  /** `billing and search do not start because of it` */
  readonly text: string;
}

/** Finds in the events of one boot, and of the launches into it, which plugins are lost with an optional plugin that fails. */
export class Losses {
  #dependents: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #optional = new Set<string>();
  readonly #lost = new Set<string>();

  /** @returns The loss, if other plugins are lost by this event. */
  add(event: BootEvent): Loss | undefined {
    switch (event.type) {
      case 'launch.started':
        // A plugin that was lost before may be among those that are added.
        this.#dependents = new Map();
        this.#optional.clear();
        this.#lost.clear();
        return undefined;
      case 'plugin.discovered':
        if (!event.required) this.#optional.add(event.plugin);
        return undefined;
      case 'graph.sorted':
        this.#dependents = groupEdges(
          event.edges.filter(({ kind }) => kind === 'needs'),
          'from',
        );
        return undefined;
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
        return this.#lose(event, 'start');
      case 'plugin.ready.finished':
        return this.#lose(event, 'get ready');
      default:
        return undefined;
    }
  }

  #lose(
    { plugin, outcome }: BootEventOf<`plugin.${'migrate' | 'init' | 'ready'}.finished`>,
    what: string,
  ): Loss | undefined {
    const isFailure = outcome === 'failed' || outcome === 'timeout';
    if (!isFailure || !this.#optional.has(plugin)) return undefined;
    const lost = this.#takeAlong(plugin);
    if (lost.length === 0) return undefined;
    const verb = lost.length === 1 ? 'does' : 'do';
    const who = joinNames(lost);
    return { lost, text: `${who} ${verb} not ${what} because of it` };
  }

  /** A plugin is counted once, with the first failure that it is lost by. */
  #takeAlong(plugin: string): readonly string[] {
    const lost: string[] = [];
    const next = [plugin];
    for (const id of next) {
      for (const dependent of this.#dependents.get(id) ?? []) {
        if (this.#lost.has(dependent)) continue;
        this.#lost.add(dependent);
        lost.push(dependent);
        next.push(dependent);
      }
    }
    return lost;
  }
}
