import { readMessage } from '../../core/foreign-value.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import { changedEntries, writeRegistry, type RegistryRow } from '../../postgres/registry-table.ts';
import type { Around } from '../around/around.ts';
import type { KnownPlugin } from '../discover/load-package.ts';
import type { Discovered } from '../discover/discover-phase.ts';
import { findDisabled } from '../discover/registry.ts';
import { createPatientPool } from '../around/patient-pool.ts';

/** Writes what is new into the registry of plugins. A registry that cannot be written is a warning, and the boot goes on. */
export async function registerPlugins(
  around: Around,
  { known, rows }: Discovered,
  signal: AbortSignal,
): Promise<void> {
  const disabled = findDisabled(known, rows);
  const entries = known.map((each) => toEntry(each, !disabled.has(each.plugin.id)));
  const changed = changedEntries(entries, rows);
  if (changed.length === 0) return;
  const pool = createPatientPool(around, { phase: 'migrateAll', signal });
  // It is one transaction, and writing the same twice changes nothing.
  const { clock, cut } = around;
  const pin = { signal, clock, cut, mayRepeat: () => true };
  try {
    await withPinnedClient(pool, pin, (client) => writeRegistry(client, changed));
  } catch (error) {
    if (signal.aborted) throw error;
    const message = `The registry of plugins was not written: ${readMessage(error)}`;
    around.emit({ type: 'boot.warning', message });
  }
}

function toEntry({ plugin, source }: KnownPlugin, enabled: boolean): RegistryRow {
  return {
    id: plugin.id,
    package: source?.package ?? null,
    version: plugin.version ?? null,
    path: source?.path ?? null,
    enabled,
  };
}
