import type { Problem } from '../core/error-codes.ts';
import type { GraphEdge, Tell } from '../core/events.ts';
import { buildGraph } from '../core/graph.ts';
import { openPool } from '../postgres/connection.ts';
import type { BootSetup } from './boot-options.ts';
import { graphOptions } from './launch-tasks.ts';
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
  readonly edges: readonly GraphEdge[];
  readonly warnings: readonly string[];
  /** What would keep the boot from migrating. */
  readonly problems: readonly Problem[];
}

/** Looks at the plugins and the database without changing either. */
export async function makePlan(setup: BootSetup, tell: Tell): Promise<BootPlan> {
  const graph = buildGraph(setup.plugins, graphOptions(setup));
  const open = openPool(setup.source);
  try {
    const { survey, problems } = await surveyPlugins(graph.plugins, {
      pool: open.pool,
      tell,
      settings: setup.settings,
      clock: setup.clock,
      signal: new AbortController().signal,
    });
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
      edges: graph.edges,
      warnings: graph.warnings,
      problems,
    };
  } finally {
    await open.end();
  }
}
