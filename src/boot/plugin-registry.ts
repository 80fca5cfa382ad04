import { messageOf } from '../core/foreign-value.ts';
import type { Tell } from '../core/events.ts';
import { isRequired, type Plugin } from '../core/plugin.ts';
import { BootError } from '../core/errors.ts';
import { listNames } from '../core/printable.ts';
import { sqlStateOf } from '../postgres/connection/connection-error.ts';
import type { PatientPool } from '../postgres/connection/connect-with-patience.ts';
import { withPinnedClient, type PinOptions } from '../postgres/connection/pinned-client.ts';
import {
  changedEntries,
  describeForeignTable,
  readRegistry,
  writeRegistry,
  type RegistryEntry,
  type RegistryRow,
} from '../postgres/registry-table.ts';
import type { KnownPlugin } from './discover/discover-plugins.ts';

/** A plugin that takes no part in this boot. */
export interface SwitchedOff {
  readonly plugin: Plugin;
  readonly because: string;
}

export interface Switched {
  readonly on: readonly KnownPlugin[];
  readonly off: readonly SwitchedOff[];
}

/**
 * Reads which plugins are switched off; `undefined` where there is no registry yet.
 *
 * @throws BootError `DATABASE_PRIVILEGE` when there is one that the role may not read, `DATABASE_UNREACHABLE`
 */
export async function lookUpRegistry(
  pool: PatientPool,
  pin: PinOptions,
): Promise<readonly RegistryRow[] | undefined> {
  return withPinnedClient(pool, pin, async (client) => {
    try {
      return await readRegistry(client);
    } catch (error) {
      if (pin.signal.aborted) throw error;
      const foreign = await describeForeignTable(client, error);
      if (foreign !== undefined) throw registryTaken(foreign, error);
      const isForbidden = sqlStateOf(error) === '42501';
      throw new BootError(
        isForbidden ? 'DATABASE_PRIVILEGE' : 'DATABASE_UNREACHABLE',
        `The registry of plugins cannot be read: ${messageOf(error)}`,
        {
          phase: 'discover',
          cause: error,
          ...(isForbidden
            ? { hint: 'GRANT USAGE ON SCHEMA slipway and SELECT ON slipway.plugins to the role.' }
            : {}),
        },
      );
    }
  });
}

function registryTaken(what: string, cause: unknown): BootError {
  return new BootError(
    'SCHEMA_TAKEN',
    `slipway.plugins is not the registry of plugins, but ${what}`,
    {
      phase: 'discover',
      cause,
      hint: 'The schema slipway is where Slipway keeps its registry. Rename that table or its schema, or turn the registry off with registry: false.',
    },
  );
}

/**
 * The ids of the plugins that are switched off. A plugin that has no row under its own id is what it was under an earlier
 * one: a new name is no reason to start what somebody has switched off.
 */
export function disabledIn(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] | undefined,
): ReadonlySet<string> {
  const enabled = new Map((rows ?? []).map((row) => [row.id, row.enabled]));
  const present = new Set(known.map(({ plugin }) => plugin.id));
  const isOff = ({ id, previousIds = [] }: Plugin): boolean => {
    const own = enabled.get(id);
    if (own !== undefined) return !own;
    return previousIds.some((old) => !present.has(old) && enabled.get(old) === false);
  };
  return new Set(
    known
      .map(({ plugin }) => plugin)
      .filter(isOff)
      .map(({ id }) => id),
  );
}

/**
 * Takes out the plugins that are switched off, and the optional ones that cannot do without them. A required plugin that
 * needs one stays: the graph says what is missing.
 */
export function switchOff(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] | undefined,
): Switched {
  const disabled = disabledIn(known, rows);
  const off = new Map<string, SwitchedOff>();
  for (const { plugin } of known) {
    if (!disabled.has(plugin.id)) continue;
    off.set(plugin.id, { plugin, because: 'it is disabled in slipway.plugins' });
  }
  const owners = ownersOf(known);
  for (let size = -1; size !== off.size;) {
    size = off.size;
    for (const { plugin } of known) {
      if (isRequired(plugin) || off.has(plugin.id)) continue;
      const owner = neededBy(plugin)
        .map((id) => owners.get(id))
        .find((id) => id !== undefined && off.has(id));
      if (owner !== undefined) off.set(plugin.id, { plugin, because: `${owner} is disabled` });
    }
  }
  return { on: known.filter(({ plugin }) => !off.has(plugin.id)), off: [...off.values()] };
}

/**
 * The rows of plugins that are enabled and were not found. A plugin that is here under a new id has left its old row behind.
 */
export function findMissing(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] | undefined,
): readonly RegistryRow[] {
  const present = new Set(
    known.flatMap(({ plugin }) => [plugin.id, ...(plugin.previousIds ?? [])]),
  );
  return (rows ?? []).filter(({ id, enabled }) => enabled && !present.has(id));
}

/** The error for plugins that {@link findMissing} found. */
export function missingPlugins(missing: readonly RegistryRow[]): BootError {
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

/** The packages of which every plugin is switched off. */
export function packagesOff(rows: readonly RegistryRow[] | undefined): ReadonlySet<string> {
  const names = (isEnabled: boolean): ReadonlySet<string> =>
    new Set(
      (rows ?? []).flatMap((row) =>
        row.enabled === isEnabled && row.package ? [row.package] : [],
      ),
    );
  const on = names(true);
  return new Set([...names(false)].filter((name) => !on.has(name)));
}

/** The services that would be there if their plugins were not switched off, with those plugins. */
export function servicesSwitchedOff({ off }: Switched): ReadonlyMap<string, string> {
  return ownersOf(off);
}

export interface RegisterParts {
  readonly pool: PatientPool;
  readonly pin: PinOptions;
  readonly tell: Tell;
}

/** Writes what is new; when that cannot be done it warns, and the boot goes on. */
export async function register(
  known: readonly KnownPlugin[],
  rows: readonly RegistryRow[] | undefined,
  { pool, pin, tell }: RegisterParts,
): Promise<void> {
  const disabled = disabledIn(known, rows);
  const entries = known.map((each) => entryOf(each, !disabled.has(each.plugin.id)));
  const changed = changedEntries(entries, rows);
  if (changed.length === 0) return;
  try {
    await withPinnedClient(pool, pin, (client) => writeRegistry(client, changed));
  } catch (error) {
    if (pin.signal.aborted) throw error;
    const message = `The registry of plugins was not written: ${messageOf(error)}`;
    tell({ type: 'boot.warning', message });
  }
}

function entryOf({ plugin, source }: KnownPlugin, enabledAtFirst: boolean): RegistryEntry {
  return {
    id: plugin.id,
    package: source?.package ?? null,
    version: plugin.version ?? null,
    path: source?.path ?? null,
    enabledAtFirst,
  };
}

function ownersOf(known: Iterable<{ readonly plugin: Plugin }>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { plugin } of known) {
    for (const { kind, id } of Object.values(plugin.provides ?? {})) {
      if (kind === 'service') owners.set(id, plugin.id);
    }
  }
  return owners;
}

function neededBy(plugin: Plugin): readonly string[] {
  return Object.values(plugin.deps ?? {})
    .filter(({ kind }) => kind === 'service')
    .map(({ id }) => id);
}
