import { BootError } from '../../core/errors.ts';
import { listNames } from '../../core/printable.ts';
import { didYouMean } from '../../core/suggest.ts';
import { nameTenant } from '../../core/tenants.ts';
import type { TenantSchemas } from './tenant-schemas.ts';

/** The tenants of the plugins of a boot, each with its schema. All launches share them. */
export class KnownTenants {
  readonly #plugins = new Map<string, Map<string, string>>();

  /** Sets the tenants of a plugin, in their order. */
  set(plugin: string, tenants: readonly TenantSchemas[]): void {
    this.#plugins.set(plugin, new Map(tenants.map(({ name, schema }) => [name, schema])));
  }

  /** Takes over what others know of a plugin that is up. */
  take(plugin: string, others: KnownTenants): void {
    this.#plugins.set(plugin, others.#plugins.get(plugin) ?? new Map());
  }

  /** Whether a plugin has the option `tenants`, and is migrated. */
  has(plugin: string): boolean {
    return this.#plugins.has(plugin);
  }

  /** The tenants of a plugin, each name with its schema; none for a plugin without them. */
  list(plugin: string): Iterable<readonly [name: string, schema: string]> {
    return this.#plugins.get(plugin) ?? [];
  }

  /** The names of a plugin's tenants; none for a plugin without them. */
  names(plugin: string): readonly string[] {
    return [...(this.#plugins.get(plugin)?.keys() ?? [])];
  }

  /** @throws BootError `DATABASE_NOT_MIGRATED` when there is no such tenant */
  schema(plugin: string, tenant: string): string {
    const schema = this.#plugins.get(plugin)?.get(tenant);
    if (schema !== undefined) return schema;
    const names = this.names(plugin);
    const meant = didYouMean(tenant, names);
    const who = nameTenant(plugin, tenant);
    throw new BootError(
      'DATABASE_NOT_MIGRATED',
      `The database of ${who} is not there: ${plugin} has no such tenant${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
      {
        plugin,
        hint: `It has ${names.length === 0 ? 'no tenants' : listNames(names)}. One that was added since the boot needs boot.migrateTenants('${plugin}').`,
      },
    );
  }
}
