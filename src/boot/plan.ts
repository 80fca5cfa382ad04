import type { Clock } from '../core/clock.ts';
import type { Problem } from '../core/error-codes.ts';
import type { GraphEdge, Tell } from '../core/events.ts';
import { deadlineAfter, untilAborted } from '../core/patience.ts';
import { openPool, type OpenPool } from '../postgres/connection.ts';
import type { BootSetup } from './boot-options.ts';
import { gatherPlugins } from './gather-plugins.ts';
import { ServiceRegistry } from './service-registry.ts';
import { sortPlugins } from './sort-plugins.ts';
import { surveyPlugins } from './survey-plugins.ts';

export interface PluginPlan {
  readonly id: string;
  /** Left out for a plugin without migrations. */
  readonly schema?: string;
  /** How many rows its history has. */
  readonly applied: number;
  /** The files that would be applied, in their order. */
  readonly pending: readonly string[];
}

/** What a boot would do. */
export interface BootPlan {
  /** In the order of the boot. */
  readonly plugins: readonly PluginPlan[];
  /** Plugins that take no part, and why. */
  readonly switchedOff: readonly { readonly id: string; readonly because: string }[];
  readonly edges: readonly GraphEdge[];
  readonly warnings: readonly string[];
  /** What would keep the boot from migrating. */
  readonly problems: readonly Problem[];
}

/** Looks at the plugins and the database without changing either. */
export async function makePlan(setup: BootSetup, tell: Tell): Promise<BootPlan> {
  const { signal } = new AbortController();
  const open = openPool(setup.source);
  const { pool } = open;
  try {
    const services = new ServiceRegistry(setup.services);
    const parts = { pool, services, clock: setup.clock, tell, signal };
    const gathered = await gatherPlugins(setup, parts);
    if (gathered.failure) throw gathered.failure;
    const graph = sortPlugins(gathered, setup);
    const { survey, problems } = await surveyPlugins(graph.plugins, { pool, setup, tell, signal });
    const surveyed = new Map((survey?.plugins ?? []).map((plugin) => [plugin.id, plugin]));
    return {
      plugins: graph.plugins.map(({ id }) => {
        const found = surveyed.get(id);
        return {
          id,
          ...(found ? { schema: found.schema } : {}),
          applied: found?.applied.length ?? 0,
          pending: (found?.pending ?? []).map(({ name }) => name),
        };
      }),
      switchedOff: gathered.switched.off.map(({ plugin, because }) => ({ id: plugin.id, because })),
      edges: graph.edges,
      warnings: graph.warnings,
      problems,
    };
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
