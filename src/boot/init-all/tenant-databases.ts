import type { Pool } from 'pg';
import { BootError } from '../../core/errors.ts';
import type { Plugin } from '../../core/plugin.ts';
import { nameTenant, type PluginTenants } from '../../core/tenants.ts';
import type { PluginScope } from '../../postgres/scoped/plugin-scope.ts';
import { openScopedPool } from '../../postgres/scoped/scoped-pool.ts';
import type { KnownTenants } from '../migrate-all/known-tenants.ts';
import type { PluginLife } from './plugin-life.ts';

interface TenantDatabasesParts {
  readonly plugin: Plugin;
  /** The pool of the boot, or the plugin's own. */
  readonly pool: Pool;
  readonly life: PluginLife;
  readonly known: KnownTenants;
  /** Makes the scope of a plugin or of one of its tenants. */
  readonly createScope: (who: string) => PluginScope;
}

/** Makes the databases of a plugin's tenants, each when it is first asked for. They end with the life of the plugin. */
export function createPluginTenants(parts: TenantDatabasesParts): PluginTenants<unknown> {
  const { plugin, pool, life, known, createScope } = parts;
  const { id } = plugin;
  /** By schema, because a later list may give a name another one. */
  const open = new Map<string, unknown>();
  return {
    get names() {
      return known.names(id);
    },
    schema: (tenant) => known.schema(id, tenant),
    database(tenant) {
      const schema = known.schema(id, tenant);
      if (open.has(schema)) return open.get(schema);
      const scoped = openScopedPool(pool, createScope(nameTenant(id, tenant)));
      life.lend(scoped);
      const database = plugin.database ? plugin.database(scoped.pool) : scoped.pool;
      open.set(schema, database);
      return database;
    },
  };
}

/** Keys that a console, a promise or a serializer reads of every object. */
const readByAll: ReadonlySet<string> = new Set(['then', 'toJSON', 'constructor', 'toString']);

/** Stands in the place of the database of a plugin with tenants: any use of it says where theirs are. */
export function refuseDatabase(plugin: string): object {
  return new Proxy(Object.freeze({}), {
    get(_, key) {
      if (typeof key !== 'string' || readByAll.has(key)) return undefined;
      throw noOwnDatabase(plugin, 'Take tenants.database(name) of the argument of init.');
    },
  });
}

/** The error for the database of a plugin with tenants. */
export function noOwnDatabase(plugin: string, hint: string): BootError {
  const message = `${plugin} has a schema for each tenant, and none of its own`;
  return new BootError('DATABASE_NOT_MIGRATED', message, { plugin, hint });
}
