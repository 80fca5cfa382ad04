import type { Pool } from 'pg';
import { BootError } from '../../core/errors.ts';
import type { Deadline } from '../../core/patience.ts';
import { readTenant } from '../../core/tenants.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { PluginScope } from '../../postgres/scoped/plugin-scope.ts';
import { openScopedPool, type ScopedPool } from '../../postgres/scoped/scoped-pool.ts';
import type { RunAround } from '../around/around.ts';

/** The databases of plugins for the host's own code, from the end of their launch's migrations to the end of the boot. */
export class HostDatabases {
  readonly #around: RunAround;
  readonly #plugins: { readonly ids: readonly string[] };
  readonly #createScope: (plugin: string) => PluginScope;
  readonly #migrated = new Set<string>();
  /** The plugins that are migrated, in a launch whose other migrations have not ended. */
  readonly #early = new Set<string>();
  readonly #open = new Map<string, ScopedPool & { readonly schema: string }>();
  #state: 'early' | 'open' | 'closed' = 'early';

  constructor(
    around: RunAround,
    plugins: { readonly ids: readonly string[] },
    createScope: (plugin: string) => PluginScope,
  ) {
    this.#around = around;
    this.#plugins = plugins;
    this.#createScope = createScope;
  }

  /** Called when every migration of a launch has succeeded. */
  open(): void {
    this.#state = 'open';
    for (const plugin of this.#early) this.#migrated.add(plugin);
    this.#early.clear();
  }

  /** Called for each plugin whose migrations have succeeded: an optional one may fail, and the others open all the same. */
  addMigrated(plugin: string): void {
    this.#early.add(plugin);
  }

  /** Closes the databases of plugins that are removed. Queries that run on them may end until the deadline. */
  async remove(plugins: readonly string[], deadline: Pick<Deadline, 'signal'>): Promise<void> {
    for (const plugin of plugins) {
      this.#migrated.delete(plugin);
      this.#early.delete(plugin);
    }
    const gone = new Set(plugins);
    const open = [...this.#open.keys()].filter((who) => gone.has(readTenant(who).plugin));
    await Promise.all(open.map((who) => this.#close(who, deadline)));
  }

  /**
   * @param plugin A plugin, or one of its tenants: `shop/acme`.
   * @throws BootError `DATABASE_NOT_MIGRATED`, `DATABASE_CLOSED`, `OPTIONS_INVALID`
   */
  get(plugin: string): Pool {
    if (this.#state === 'early') throw notMigrated(plugin);
    if (this.#state === 'closed') {
      throw new BootError(
        'DATABASE_CLOSED',
        `The boot has ended: the database of ${plugin} is closed`,
      );
    }
    const scope = this.#find(plugin);
    if (!this.#migrated.has(readTenant(plugin).plugin)) {
      throw notMigrated(plugin, 'its migrations have failed, or have not ended');
    }
    const known = this.#open.get(plugin);
    if (known?.schema === scope.schema) return known.pool;
    // A later list of tenants has given the name another schema.
    if (known) void this.#close(plugin, { signal: this.#around.cut });
    const opened = openScopedPool(this.#around.pool, scope);
    this.#open.set(plugin, { ...opened, schema: scope.schema });
    return opened.pool;
  }

  /** Takes every client back. Running queries may end as long as the way down has time. */
  async close(): Promise<void> {
    this.#state = 'closed';
    const deadline = { signal: this.#around.cut };
    await Promise.all([...this.#open.keys()].map((plugin) => this.#close(plugin, deadline)));
  }

  async #close(plugin: string, deadline: Pick<Deadline, 'signal'>): Promise<void> {
    const open = this.#open.get(plugin);
    this.#open.delete(plugin);
    const { clients } = (await open?.takeBack(deadline)) ?? { clients: 0 };
    if (clients === 0) return;
    const message = `The host did not release every client of boot.database('${plugin}'): destroyed at its end; call release() in a finally block`;
    this.#around.emit({ type: 'boot.warning', plugin: readTenant(plugin).plugin, message });
  }

  #find(who: string): PluginScope {
    const { ids } = this.#plugins;
    const { plugin } = readTenant(who);
    if (ids.includes(plugin)) return this.#createScope(who);
    const meant = didYouMean(plugin, ids);
    const advice = meant === undefined ? '' : `. Did you mean ${meant}?`;
    throw new BootError('OPTIONS_INVALID', `This boot has no plugin ${plugin}${advice}`);
  }
}

export function notMigrated(plugin: string, why = 'the migrations have not ended'): BootError {
  return new BootError('DATABASE_NOT_MIGRATED', `The database of ${plugin} is not there: ${why}`);
}
