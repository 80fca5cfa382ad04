import { readMessage } from '../../core/foreign-value.ts';
import { isRequired, type Plugin } from '../../core/plugin.ts';
import { BootError } from '../../core/errors.ts';
import { listNames } from '../../core/printable.ts';
import { readSqlState } from '../../postgres/connection/connection-error.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import { describeForeignTable } from '../../postgres/own-table.ts';
import { readRegistry, registryTable, type RegistryRow } from '../../postgres/registry-table.ts';
import type { Around } from '../around/around.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import type { KnownPlugin } from './load-package.ts';

/** A plugin that takes no part in this boot. */
export interface DisabledPlugin {
  readonly plugin: Plugin;
  readonly because: string;
}

/**
 * Reads the registry of plugins; `undefined` where there is none yet.
 *
 * @throws BootError `DATABASE_PRIVILEGE` when there is one that the role may not read, `DATABASE_UNREACHABLE`
 */
export function readRegistryRows(
  around: Around,
  signal: AbortSignal,
): Promise<readonly RegistryRow[] | undefined> {
  const pool = createPatientPool(around, { phase: 'discover', signal });
  const { clock, cut } = around;
  const pin = { signal, clock, cut, mayRepeat: () => true };
  return withPinnedClient(pool, pin, async (client) => {
    try {
      return await readRegistry(client);
    } catch (error) {
      if (signal.aborted) throw error;
      const foreign = await describeForeignTable(client, registryTable, error);
      if (foreign !== undefined) {
        const message = `slipway.plugins is not the registry of plugins, but ${foreign}`;
        throw new BootError('SCHEMA_TAKEN', message, {
          phase: 'discover',
          cause: error,
          hint: 'The schema slipway is where Slipway keeps its registry. Rename that table or its schema, or turn the registry off with registry: false.',
        });
      }
      const message = `The registry of plugins cannot be read: ${readMessage(error)}`;
      if (readSqlState(error) !== '42501') {
        throw new BootError('DATABASE_UNREACHABLE', message, { phase: 'discover', cause: error });
      }
      throw new BootError('DATABASE_PRIVILEGE', message, {
        phase: 'discover',
        cause: error,
        hint: 'GRANT USAGE ON SCHEMA slipway and SELECT ON slipway.plugins to the role.',
      });
    }
  });
}

/**
 * Finds the ids of the disabled plugins. A plugin without a row under its own id is what it was under an earlier one: a new
 * name is no reason to start a plugin that an operator has disabled.
 */
export function findDisabled(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] = [],
): ReadonlySet<string> {
  const enabled = new Map(rows.map((row) => [row.id, row.enabled]));
  const present = new Set(known.map(({ plugin }) => plugin.id));
  const isDisabled = ({ id, previousIds = [] }: Plugin): boolean => {
    const own = enabled.get(id);
    if (own !== undefined) return !own;
    return previousIds.some((old) => !present.has(old) && enabled.get(old) === false);
  };
  const plugins = known.map(({ plugin }) => plugin);
  return new Set(plugins.filter(isDisabled).map(({ id }) => id));
}

/**
 * Sets the disabled plugins apart, and the optional ones that need one of them. A required plugin that needs one stays: the
 * graph reports what is missing.
 */
export function setDisabledApart(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] = [],
): { readonly enabled: readonly KnownPlugin[]; readonly disabled: readonly DisabledPlugin[] } {
  const ids = findDisabled(known, rows);
  const disabled = new Map<string, DisabledPlugin>();
  for (const { plugin } of known) {
    if (!ids.has(plugin.id)) continue;
    disabled.set(plugin.id, { plugin, because: 'it is disabled in slipway.plugins' });
  }
  const owners = mapServicesToOwners(known);
  for (let size = -1; size !== disabled.size;) {
    size = disabled.size;
    for (const { plugin } of known) {
      if (isRequired(plugin) || disabled.has(plugin.id)) continue;
      const owner = Object.values(plugin.deps ?? {})
        .map(({ kind, id }) => (kind === 'service' ? owners.get(id) : undefined))
        .find((id) => id !== undefined && disabled.has(id));
      if (owner !== undefined) {
        disabled.set(plugin.id, { plugin, because: `${owner} is disabled` });
      }
    }
  }
  return {
    enabled: known.filter(({ plugin }) => !disabled.has(plugin.id)),
    disabled: [...disabled.values()],
  };
}

/**
 * Makes the error for plugins that the registry has enabled and that were not found; `undefined` when there are none. A plugin
 * that is here under a new id has left its old row behind.
 */
export function findMissing(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] = [],
): BootError | undefined {
  const present = new Set(
    known.flatMap(({ plugin: { id, previousIds = [] } }) => [id, ...previousIds]),
  );
  const missing = rows.filter(({ id, enabled }) => enabled && !present.has(id));
  if (missing.length === 0) return undefined;
  const names = missing
    .map((row) => (row.package === null ? row.id : `${row.id} (${row.package})`))
    .toSorted();
  return new BootError(
    'PLUGIN_NOT_LOADED',
    `Enabled in slipway.plugins, but not found: ${listNames(names)}`,
    {
      phase: 'discover',
      hint: "Install the package, or list the plugin. When it is gone for good, UPDATE slipway.plugins SET enabled = false WHERE id = '…'. With registry: { missing: 'warn' } the boot goes on without it.",
    },
  );
}

/** Finds the packages of which every plugin is disabled. */
export function findDisabledPackages(rows: readonly RegistryRow[] = []): ReadonlySet<string> {
  const list = (isEnabled: boolean): ReadonlySet<string> => {
    const wanted = rows.filter(({ enabled }) => enabled === isEnabled);
    return new Set(wanted.flatMap((row) => row.package ?? []));
  };
  const enabled = list(true);
  return new Set([...list(false)].filter((name) => !enabled.has(name)));
}

/** Maps the services of plugins to the ids of the plugins that provide them. */
export function mapServicesToOwners(
  plugins: readonly { readonly plugin: Plugin }[],
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { plugin } of plugins) {
    for (const { kind, id } of Object.values(plugin.provides ?? {})) {
      if (kind === 'service') owners.set(id, plugin.id);
    }
  }
  return owners;
}
