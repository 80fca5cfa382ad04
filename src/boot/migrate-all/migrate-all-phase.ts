import type {
  MigrateResult,
  OfPlugin,
  SurveyResult,
  TaskArgs,
  Tasks,
} from '../../../machines/index.ts';
import type { PluginGraph } from '../../core/graph.ts';
import type { Migrating } from '../../postgres/migrate/migrating.ts';
import { migratePlugin } from '../../postgres/migrate/migrator.ts';
import { searchPath } from '../../postgres/sql/identifier.ts';
import { schemasOnPath } from '../../postgres/survey/extension-schemas.ts';
import type { Survey } from '../../postgres/survey/survey.ts';
import type { RunAround } from '../around/around.ts';
import type { Discovered } from '../discover/discover-phase.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import { LockWaits } from './lock-waits.ts';
import { registerPlugins } from './register-plugins.ts';
import { hasWork, refuseProblems, surveyByMode, emitSurvey } from './survey-plugins.ts';

interface MigrateAllPhase {
  readonly tasks: Pick<Tasks, 'survey' | 'migrate' | 'wait' | 'register'>;
  /** Makes the `search_path` of a schema: itself, then the schemas that are listed, or found by the survey and by migrations. */
  readonly searchPath: (schema: string) => string;
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
  const { settings, clock, emit, cut, task } = around;
  const rules = settings.migrations;
  const waits = new LockWaits(clock, rules.lockWait, emit);
  let migrations = new Map<string, Pick<Migrating, 'plugin' | 'firstLock'>>();
  let survey: Survey | undefined;
  let onPath = schemasOnPath(rules);

  /** Plugins side by side may find schemas in any order: what one has found stays found. */
  const addToPath = (found: readonly string[]): void => {
    onPath = [...new Set([...onPath, ...found])];
  };

  async function migrate({ input, signal, windDown }: TaskArgs<OfPlugin>): Promise<MigrateResult> {
    const { plugin } = input;
    const migration = migrations.get(plugin);
    if (!migration || !survey) throw new Error(`no migrations of ${plugin} in this launch`);
    // A plugin that waits for a connection has begun nothing, and ends at once when the others wind down.
    const waiting = AbortSignal.any([signal, windDown]);
    const pool = createPatientPool(around, { phase: 'migrateAll', plugin, signal: waiting });
    const result = await migratePlugin(pool, migration.plugin, {
      firstLock: migration.firstLock,
      signal,
      windDown,
      cut,
      clock,
      emit,
      settings: rules,
      keepsSession: survey.keepsSession,
      onExtensionSchemas: addToPath,
    });
    if (result.status === 'locked') waits.refused(plugin, result.holder);
    return result;
  }

  return {
    searchPath: (schema) => searchPath(schema, onPath),
    tasks: {
      survey: task(async ({ signal }): Promise<SurveyResult> => {
        const { plugins } = graph();
        const startedAt = clock.elapsed();
        const surveyed = await surveyByMode(around, plugins, signal);
        survey = surveyed.survey;
        migrations = new Map(
          surveyed.migrations.map((each) => [
            each.id,
            { plugin: each, firstLock: { wasTaken: false } },
          ]),
        );
        addToPath(survey?.schemasOnPath ?? []);
        emitSurvey(surveyed, clock.elapsed() - startedAt, emit);
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
