import { coreServices, type Lifecycle } from '../../core/core-services.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { AnyRef } from '../../core/service.ts';
import { getPluginSchemaName } from '../../core/schema-name.ts';
import { readTenant } from '../../core/tenants.ts';
import { openPool } from '../../postgres/connection/connection.ts';
import { AdvisoryLocks } from '../../postgres/locks/advisory-lock-service.ts';
import { createPluginScope, type PluginScope } from '../../postgres/scoped/plugin-scope.ts';
import { openScopedPool } from '../../postgres/scoped/scoped-pool.ts';
import type { RunAround } from '../around/around.ts';
import type { KnownTenants } from '../migrate-all/known-tenants.ts';
import type { PluginPath } from '../migrate-all/plugin-path.ts';
import { HostDatabases } from './host-databases.ts';
import type { PluginLife } from './plugin-life.ts';
import { PluginRunner } from './plugin-runner.ts';
import { createPluginTenants, noOwnDatabase, refuseDatabase } from './tenant-databases.ts';

interface InitAllPhase {
  /** The code of the plugins of every launch. */
  readonly runner: PluginRunner;
  /** The databases of plugins, for the host. */
  readonly databases: HostDatabases;
  /** Ends every plugin that the machine has not stopped, which happens only when the machine breaks. */
  readonly end: () => Promise<void>;
}

/** The last phase on the way up: the plugins' own code. It also stops them on the way down. All launches share it. */
export function initAllPhase(
  around: RunAround,
  path: PluginPath,
  known: KnownTenants,
): InitAllPhase {
  const { settings, clock, pool, services, cut } = around;
  const locks = new AdvisoryLocks({
    source: settings.migrationSource,
    clock,
    pooler: settings.pooler,
    connectWaitMs: settings.connect.wait,
    cut,
    app: settings.hostApp,
  });

  /** @throws BootError `DATABASE_NOT_MIGRATED` when there is no such tenant */
  const createScope = (who: string): PluginScope => {
    const { plugin, tenant } = readTenant(who);
    const schema =
      tenant === undefined
        ? getPluginSchemaName(plugin, settings.migrations.schemaPrefix)
        : known.schema(plugin, tenant);
    const warn = (message: string): void => around.emit({ type: 'boot.warning', plugin, message });
    return createPluginScope({ plugin: who, schema, path: path.make(schema), warn });
  };
  /**
   * Builds the argument of `init`: the dependencies by their keys, and what the plugin has of its own.
   *
   * @throws what the plugin's `database` throws; BootError `INIT_FAILED` when a factory of the host fails
   */
  const createContext = (plugin: Plugin, life: PluginLife): Readonly<Record<string, unknown>> => {
    const scope = createScope(plugin.id);
    const { schema } = scope;
    const own = plugin.pool === undefined ? undefined : openPool(plugin.pool);
    const scoped = openScopedPool(own?.pool ?? pool, scope);
    // First, because `database` may take a client and throw.
    life.lend(scoped, own);
    const parts = { plugin, pool: own?.pool ?? pool, life, known, createScope };
    const tenants = createPluginTenants(parts);
    // A plugin with tenants has no schema of its own.
    const ownPool = plugin.tenants ? refuseDatabase(plugin.id) : scoped.pool;
    const makeDatabase = plugin.tenants ? undefined : plugin.database;
    const database = makeDatabase ? makeDatabase(scoped.pool) : ownPool;
    const logger = settings.ownLogger.child?.({ plugin: plugin.id }) ?? settings.ownLogger;
    const onStop = life.onStop.bind(life);
    const resolve = (ref: AnyRef): unknown => {
      switch (ref.id) {
        case coreServices.logger.id:
          return logger;
        case coreServices.database.id:
          return ownPool;
        case coreServices.advisoryLock.id:
          return locks.serviceFor(life.signal, plugin.id);
        case coreServices.lifecycle.id:
          return { signal: life.signal, onStop } satisfies Lifecycle;
        default:
          return services.resolve(plugin.id, ref);
      }
    };
    const deps = Object.entries(plugin.deps ?? {}).map(([key, ref]) => [key, resolve(ref)]);
    return {
      database,
      schema,
      tenants,
      logger,
      // Made for the plugins that use it.
      get signal() {
        return life.signal;
      },
      onStop,
      ...Object.fromEntries(deps),
    };
  };

  const runner = new PluginRunner(around, createContext);
  const databases = new HostDatabases(around, runner, (who) => {
    if (known.has(who)) throw noOwnDatabase(who, `Take boot.database('${who}/…') with a tenant.`);
    return createScope(who);
  });
  return {
    runner,
    databases,
    async end() {
      try {
        await Promise.all([runner.endAll(), databases.close()]);
      } finally {
        await locks.close();
      }
    },
  };
}
