import type { Clock } from '../../core/clock.ts';
import type { Emit } from '../../core/events.ts';
import type { PluginGraph } from '../../core/graph.ts';
import { deadlineAfter, untilAborted } from '../../core/patience.ts';
import { openPool, type OpenPool } from '../../postgres/connection/connection.ts';
import type { Around } from '../around/around.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { discover, type Discovered } from '../discover/discover-phase.ts';
import { ServiceRegistry } from '../around/service-registry.ts';
import type { SchemaOwners } from '../migrate-all/find-tenants.ts';
import { sortPlugins } from '../sort/sort-phase.ts';
import { StatementCount } from '../around/statement-count.ts';

/** The plugins of a boot that is not run. */
export interface IdlePlugins {
  readonly around: Around;
  readonly discovered: Discovered;
  readonly graph: PluginGraph;
  /** All plugins, also the disabled ones: no tenant can have the schema of one of them. */
  readonly owners: SchemaOwners;
  /** The signal that was given, or one that is never aborted. */
  readonly signal: AbortSignal;
}

/**
 * Discovers and sorts the plugins as a boot would, for `use`, with the pool open meanwhile.
 *
 * @param signal Aborted, it ends the wait for the database.
 * @throws BootError `PLUGIN_NOT_LOADED`, `PLUGIN_INVALID`, `GRAPH_INVALID`, `DATABASE_UNREACHABLE`, and what `use` throws
 */
export async function withPlugins<T>(
  settings: BootSettings,
  emit: Emit,
  use: (plugins: IdlePlugins) => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  const { signal: cut } = new AbortController();
  const { clock } = settings;
  const open = openPool(settings.migrationSource);
  try {
    const services = new ServiceRegistry(settings.services);
    const sent = new StatementCount();
    const around = { settings, clock, migrationPool: open.pool, services, emit, sent, cut };
    const discovered = await discover(around, signal);
    if (discovered.failure) throw discovered.failure;
    const graph = sortPlugins(discovered, settings);
    const owners = {
      plugins: [...graph.plugins, ...discovered.disabled.map(({ plugin }) => plugin)],
    };
    return await use({ around, discovered, graph, owners, signal });
  } finally {
    await endSoon(open, clock);
  }
}

const endWithinMs = 1_000;

/** Ends the pool, and does not wait long for a server that does not answer. */
export async function endSoon(open: Pick<OpenPool, 'end' | 'cut'>, clock: Clock): Promise<void> {
  const deadline = deadlineAfter(clock, endWithinMs);
  try {
    await untilAborted(open.end(), deadline.signal);
  } catch {
    open.cut();
  } finally {
    deadline.cancel();
  }
}
