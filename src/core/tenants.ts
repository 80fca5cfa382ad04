import type { UnstampedEvent } from './events.ts';

/** What the function `tenants` of a plugin gets. */
export interface TenantsContext {
  /**
   * Asks the database one statement, on the connection that is about to look at the migrations. Tables are named with their
   * schemas, or found on the `search_path` of the role. PostgreSQL refuses whatever would write.
   *
   * @example const { rows } = await query<{ name: string }>('SELECT name FROM public.tenants ORDER BY name');
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as pg's own query()
  readonly query: <Row = Readonly<Record<string, unknown>>>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<{ readonly rows: readonly Row[] }>;
  /** Aborted when the boot stops, and when the names took too long. */
  readonly signal: AbortSignal;
}

/**
 * A tenant: its name, whose schema is `plugin_<id>_<name>`; or a name with a schema that is there already.
 *
 * @example 'acme'
 * @example { name: 'acme', schema: 'customer_acme' }
 */
export type Tenant = string | { readonly name: string; readonly schema: string };

/**
 * Returns the tenants of a plugin. It is called once for each look at the database, before anything is migrated; a look begins
 * again when its connection breaks.
 *
 * @example async ({ query }) => (await query<{ name: string }>('SELECT name FROM public.tenants')).rows.map(({ name }) => name)
 */
export type Tenants = (context: TenantsContext) => readonly Tenant[] | Promise<readonly Tenant[]>;

/** The tenants of a plugin, as its `init` gets them. */
export interface PluginTenants<Db> {
  /** Their names, in the order in which they were returned, by the boot or by the last `boot.migrateTenants()`. */
  readonly names: readonly string[];
  /**
   * Returns the name of a tenant's schema, unquoted.
   *
   * @throws BootError `DATABASE_NOT_MIGRATED` when there is no such tenant
   */
  readonly schema: (tenant: string) => string;
  /**
   * Returns the database of a tenant: the same as `database` of a plugin without tenants, whose `search_path` is the schema of
   * the tenant. Each is made once, on the connections of the plugin, and takes no round trip.
   *
   * @throws BootError `DATABASE_NOT_MIGRATED` when there is no such tenant
   */
  readonly database: (tenant: string) => Db;
}

/** An id of a plugin has no such character. */
const between = '/';

/**
 * Names a plugin, or one of its tenants, in messages and in the calls of repairs.
 *
 * @example nameTenant('shop', 'acme') // 'shop/acme'
 * @example nameTenant('shop') // 'shop'
 */
export function nameTenant(plugin: string, tenant?: string): string {
  return tenant === undefined ? plugin : `${plugin}${between}${tenant}`;
}

/** Reads the name of a plugin, or of one of its tenants. */
export function readTenant(who: string): { readonly plugin: string; readonly tenant?: string } {
  const at = who.indexOf(between);
  return at < 0 ? { plugin: who } : { plugin: who.slice(0, at), tenant: who.slice(at + 1) };
}

/** Returns the tenant's own name: `acme` of `shop/acme`. */
export function cutPlugin(who: string): string {
  return who.slice(who.indexOf(between) + 1);
}

/** Whether it is the name of a tenant, and not that of a plugin. */
export function isTenant(who: string): boolean {
  return who.includes(between);
}

/** Names the plugin and the tenant apart, in an event whose plugin is `shop/acme`. */
export function placeTenant(event: UnstampedEvent): UnstampedEvent {
  if (!('plugin' in event) || event.plugin === undefined || !isTenant(event.plugin)) return event;
  return { ...event, ...readTenant(event.plugin) };
}

/** Returns the tenant that an event is about; `undefined` when it is about the plugin. */
export function getTenant(event: object): string | undefined {
  return 'tenant' in event && typeof event.tenant === 'string' ? event.tenant : undefined;
}
