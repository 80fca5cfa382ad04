import type { Pool } from 'pg';
import { BootError } from '../../core/errors.ts';
import type { PluginGraph } from '../../core/graph.ts';
import { didYouMean } from '../../core/suggest.ts';
import { openScopedPool, type ScopedPool } from '../../postgres/scoped/scoped-pool.ts';
import type { PluginScope } from '../../postgres/scoped/plugin-scope.ts';
import type { RunAround } from '../around/around.ts';

/** The databases of plugins as the host's own code gets them, from the end of the migrations to the end of the boot. */
export class HostDatabases {
  readonly #around: RunAround;
  readonly #graph: () => PluginGraph;
  readonly #scopeOf: (plugin: string) => PluginScope;
  readonly #open = new Map<string, ScopedPool>();
  #state: 'early' | 'open' | 'closed' = 'early';

  constructor(
    around: RunAround,
    graph: () => PluginGraph,
    scopeOf: (plugin: string) => PluginScope,
  ) {
    this.#around = around;
    this.#graph = graph;
    this.#scopeOf = scopeOf;
  }

  /** Called when every migration has succeeded. */
  open(): void {
    this.#state = 'open';
  }

  /** @throws BootError `DATABASE_NOT_MIGRATED`, `DATABASE_CLOSED`, `OPTIONS_INVALID` */
  get(plugin: string): Pool {
    if (this.#state === 'early') throw notMigrated(plugin);
    if (this.#state === 'closed') {
      throw new BootError(
        'DATABASE_CLOSED',
        `The boot has ended: the database of ${plugin} is closed`,
      );
    }
    const known = this.#open.get(plugin) ?? openScopedPool(this.#around.pool, this.#find(plugin));
    this.#open.set(plugin, known);
    return known.pool;
  }

  /** Takes every client back. Queries that run may end until the time of the way down is over. */
  async close(): Promise<void> {
    this.#state = 'closed';
    const deadline = { signal: this.#around.cut };
    await Promise.all([...this.#open.values()].map((each) => each.takeBack(deadline)));
  }

  #find(plugin: string): PluginScope {
    const ids = this.#graph().plugins.map(({ id }) => id);
    if (ids.includes(plugin)) return this.#scopeOf(plugin);
    const meant = didYouMean(plugin, ids);
    const advice = meant === undefined ? '' : `. Did you mean ${meant}?`;
    throw new BootError('OPTIONS_INVALID', `This boot has no plugin ${plugin}${advice}`);
  }
}

export function notMigrated(plugin: string): BootError {
  return new BootError(
    'DATABASE_NOT_MIGRATED',
    `The database of ${plugin} is not there yet: the migrations have not ended`,
  );
}
