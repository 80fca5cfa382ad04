import type { Pool } from 'pg';
import type { Clock } from '../core/clock.ts';
import type { Tell } from '../core/events.ts';
import type { PluginGraph } from '../core/graph.ts';
import { deadlineAfter, untilAborted } from '../core/patience.ts';
import { openPool, type OpenPool } from '../postgres/connection/connection.ts';
import type { BootSetup } from './boot-options.ts';
import { gatherPlugins, type GatheredPlugins } from './gather-plugins.ts';
import { ServiceRegistry } from './service-registry.ts';
import { sortPlugins } from './sort-plugins.ts';

/** The plugins of a boot that is not run. */
export interface IdlePlugins {
  /** That of migrations. */
  readonly pool: Pool;
  readonly gathered: GatheredPlugins;
  readonly graph: PluginGraph;
  /** Never aborted. */
  readonly signal: AbortSignal;
}

/**
 * Gathers and sorts the plugins as a boot would, for `use`, with the pool open meanwhile.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`, `PLUGIN_INVALID`, `GRAPH_INVALID`, `DATABASE_UNREACHABLE`, and what `use` throws
 */
export async function withPlugins<T>(
  setup: BootSetup,
  tell: Tell,
  use: (plugins: IdlePlugins) => Promise<T>,
): Promise<T> {
  const { signal } = new AbortController();
  const open = openPool(setup.migrationSource);
  const { pool } = open;
  try {
    const services = new ServiceRegistry(setup.services);
    const parts = { pool, services, clock: setup.clock, tell, signal };
    const gathered = await gatherPlugins(setup, parts);
    if (gathered.failure) throw gathered.failure;
    return await use({ pool, gathered, graph: sortPlugins(gathered, setup), signal });
  } finally {
    await endSoon(open, setup.clock);
  }
}

const endWithinMs = 1_000;

/** Nobody waits for a server that does not answer. */
async function endSoon(open: OpenPool, clock: Clock): Promise<void> {
  const deadline = deadlineAfter(clock, endWithinMs);
  try {
    await untilAborted(open.end(), deadline.signal);
  } catch {
    open.cut();
  } finally {
    deadline.cancel();
  }
}
