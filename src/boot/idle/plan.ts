import type { Problem, Warning } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import type { GraphEdge } from '../../core/events.ts';
import type { PluginGraph } from '../../core/graph.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import type { Around } from '../around/around.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { groupSurvey } from '../migrate-all/emit-survey.ts';
import { surveyPlugins, type SurveyedPlugins } from '../migrate-all/survey-plugins.ts';
import { planPlugin, type PluginPlan } from './plan-plugin.ts';
import { listFailures, rehearseOnDatabase, type Rehearsal } from './rehearse.ts';
import { rehearseAgainst, rehearseOnCopy } from './rehearse-elsewhere.ts';
import type { RehearseSettings } from './rehearse-options.ts';
import { withPlugins, type IdlePlugins } from './with-plugins.ts';

/** The plan of a boot: what it would do, without doing it. */
export interface BootPlan {
  /** In the order of the boot. */
  readonly plugins: readonly PluginPlan[];
  /** Plugins that take no part, and why. */
  readonly disabled: readonly { readonly id: string; readonly because: string }[];
  readonly edges: readonly GraphEdge[];
  /** Of the graph and of every plugin. */
  readonly warnings: readonly Warning[];
  /** Problems of every plugin and of the database that would keep the boot from migrating. */
  readonly problems: readonly Problem[];
  /** The trial of the pending files; left out when none was asked for. */
  readonly rehearsal?: Rehearsal;
}

/**
 * Looks at the plugins and the database without changing either, and rehearses the pending files when that is asked for.
 *
 * @throws BootError `BOOT_CANCELED` when the signal of the rehearsal is aborted
 */
export async function makePlan(
  given: BootSettings,
  rehearse?: RehearseSettings,
): Promise<BootPlan> {
  if (!rehearse) return withPlan(given, undefined, async ({ plan }) => plan);
  const { signal = new AbortController().signal } = rehearse;
  try {
    return await planAndRehearse(given, rehearse, signal);
  } catch (error) {
    throw signal.aborted ? canceled() : error;
  }
}

async function planAndRehearse(
  given: BootSettings,
  rehearse: RehearseSettings,
  signal: AbortSignal,
): Promise<BootPlan> {
  // A rehearsal is one of a boot that applies, also where the config only verifies.
  const settings = { ...given, migrations: { ...given.migrations, mode: 'apply' } } as const;
  const { copy, against } = rehearse;
  const on = against === undefined ? (copy ? 'copy' : 'database') : 'other';
  const plan = await withPlan(settings, signal, async (look) => {
    const because = findObstacle(look.plan);
    if (because !== undefined) {
      return addRehearsal(look.plan, { on, because, durationMs: 0, plugins: [] });
    }
    if (on !== 'database') return look.plan;
    const { around, graph, surveyed } = look;
    const rehearsal = await rehearseOnDatabase(around, graph, surveyed, rehearse, signal);
    return addRehearsal(look.plan, rehearsal);
  });
  if (plan.rehearsal) return plan;
  // The sessions of the look are closed by now: PostgreSQL copies no database that is in use.
  const rehearsal = await (against === undefined
    ? rehearseOnCopy(settings, signal)
    : rehearseAgainst(settings, against, signal));
  return addRehearsal(plan, rehearsal);
}

function canceled(): BootError {
  const message = 'The rehearsal was canceled, and the file that ran was rolled back';
  return new BootError('BOOT_CANCELED', message, { phase: 'migrateAll' });
}

/** A plan, and what it was made of. */
interface Look {
  readonly plan: BootPlan;
  readonly around: Around;
  readonly graph: PluginGraph;
  readonly surveyed: SurveyedPlugins;
}

/** Makes a plan for `use`, with the pool open meanwhile. */
function withPlan<T>(
  settings: BootSettings,
  stop: AbortSignal | undefined,
  use: (look: Look) => Promise<T>,
): Promise<T> {
  const ignore = (): void => undefined;
  const look = async (idle: IdlePlugins): Promise<T> => {
    const { around, discovered, graph, owners, signal } = idle;
    const surveyed = await surveyPlugins(around, graph.plugins, owners, signal);
    const { problems } = surveyed;
    const groups = groupSurvey(graph.plugins, surveyed);
    const { rewritePublic } = settings.migrations;
    const plugins = await mapBounded(graph.plugins, 1, (plugin) =>
      planPlugin(plugin, groups.get(plugin.id) ?? [], surveyed, rewritePublic),
    );
    const plan: BootPlan = {
      plugins,
      disabled: discovered.disabled.map(({ plugin, because }) => ({ id: plugin.id, because })),
      edges: graph.edges,
      warnings: [...graph.warnings, ...plugins.flatMap(({ warnings }) => warnings)],
      problems,
    };
    return use({ plan, around, graph, surveyed });
  };
  return withPlugins(settings, ignore, look, stop);
}

function findObstacle({ problems }: BootPlan): string | undefined {
  return problems.length > 0
    ? 'the problems come first: with them a boot applies nothing'
    : undefined;
}

/** Adds what a rehearsal has found: a file that a boot could not apply is a problem, like those of the look. */
function addRehearsal(plan: BootPlan, rehearsal: Rehearsal): BootPlan {
  const found = listFailures(rehearsal);
  return {
    ...plan,
    plugins: plan.plugins.map((plugin) => addFindings(plugin, found)),
    problems: [...plan.problems, ...found],
    rehearsal,
  };
}

function addFindings(plan: PluginPlan, found: readonly Problem[]): PluginPlan {
  const own = found.filter(({ plugin }) => plugin === plan.id);
  return own.length === 0 ? plan : { ...plan, problems: [...plan.problems, ...own] };
}
