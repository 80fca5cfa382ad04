import type {
  MigrateResult,
  OfPlugin,
  SurveyResult,
  TaskArgs,
  Tasks,
} from '../../../machines/index.ts';
import type { BootNews } from '../../core/events.ts';
import type { PluginGraph } from '../../core/graph.ts';
import { migratePlugin } from '../../postgres/migrate/migrator.ts';
import type { Survey } from '../../postgres/survey/survey.ts';
import type { PluginMigrations } from '../../postgres/sources/read-migrations.ts';
import type { RunAround } from '../around/around.ts';
import type { Discovered } from '../discover/discover-phase.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import { LockWaits } from './lock-waits.ts';
import { registerPlugins } from './register-plugins.ts';
import { hasWork, refuseProblems, surveyByMode, tellPlans, tellSurvey } from './survey-plugins.ts';

interface MigrateAllPhase {
  readonly tasks: Pick<Tasks, 'survey' | 'migrate' | 'wait' | 'register'>;
  /** The schemas on the `search_path` of every plugin: listed, or found by the survey and by migrations. */
  readonly extensionSchemas: () => readonly string[];
}

/**
 * The third phase: one look at the database, then the pending files of every plugin, then the registry. Nothing of it has
 * changed anything when the survey finds a problem.
 */
export function migrateAllPhase(
  around: RunAround,
  discovered: () => Discovered,
  graph: () => PluginGraph,
): MigrateAllPhase {
  const { settings, clock, tell, cut, task } = around;
  const rules = settings.migrations;
  const waits = new LockWaits(clock, rules.lockWait, tell);
  const started = new Set<string>();
  let migrations: ReadonlyMap<string, PluginMigrations> = new Map();
  let survey: Survey | undefined;
  let extensionSchemas = rules.extensionSchemas === 'auto' ? [] : rules.extensionSchemas;

  /** Plugins side by side may find schemas in any order: what one has found stays found. */
  const addExtensionSchemas = (found: readonly string[]): void => {
    extensionSchemas = [...new Set([...extensionSchemas, ...found])];
  };

  /** Behind a pooler a plugin may lose its lock between two files and go on later: it has started once. */
  const tellStartOnce = (news: BootNews): void => {
    if (news.type === 'plugin.migrate.started') {
      if (started.has(news.plugin)) return;
      started.add(news.plugin);
    }
    tell(news);
  };

  async function migrate({ input, signal, windDown }: TaskArgs<OfPlugin>): Promise<MigrateResult> {
    const { plugin } = input;
    const own = migrations.get(plugin);
    if (!own || !survey) throw new Error(`no migrations of ${plugin} in this launch`);
    // A plugin that waits for a connection has begun nothing, and ends at once when the others wind down.
    const waiting = AbortSignal.any([signal, windDown]);
    const pool = createPatientPool(around, { phase: 'migrateAll', plugin, signal: waiting });
    const result = await migratePlugin(pool, own, {
      signal,
      windDown,
      cut,
      clock,
      tell: tellStartOnce,
      settings: rules,
      keepsSession: survey.keepsSession,
      onExtensionSchemas: addExtensionSchemas,
    });
    if (result.status === 'locked') waits.refused(plugin, result.holder);
    return result;
  }

  return {
    extensionSchemas: () => extensionSchemas,
    tasks: {
      survey: task(async ({ signal }): Promise<SurveyResult> => {
        const { plugins } = graph();
        const startedAt = clock.elapsed();
        const surveyed = await surveyByMode(around, plugins, signal);
        survey = surveyed.survey;
        migrations = new Map(surveyed.migrations.map((each) => [each.id, each]));
        addExtensionSchemas(survey?.extensionSchemas ?? []);
        tellSurvey(surveyed, clock.elapsed() - startedAt, tell);
        tellPlans(surveyed, tell);
        refuseProblems(surveyed);
        const pending = new Set((survey?.plugins ?? []).filter(hasWork).map(({ id }) => id));
        const upToDate = plugins.map(({ id }) => id).filter((id) => !pending.has(id));
        return { status: 'done', upToDate };
      }),
      migrate: task(migrate),
      wait: task(({ input, signal }) => waits.wait(input.plugin, input.attempt, signal)),
      register: task(async ({ signal }) => {
        if (settings.registry) await registerPlugins(around, discovered(), signal);
        return { status: 'done' };
      }),
    },
  };
}
