import { roundMs } from '../../core/duration.ts';
import type {
  FlushResult,
  InSlot,
  MigrateResult,
  OfPlugin,
  RegisterResult,
  SurveyResult,
  TaskArgs,
  WaitResult,
} from '../../../machines/index.ts';
import type { Emit } from '../../core/events.ts';
import type { PluginGraph } from '../../core/graph.ts';
import type { PhaseOutcome } from '../../core/steps.ts';
import type { MigrateOptions, UnflushedHistory } from '../../postgres/migrate/migrating.ts';
import { MigrationConnections } from '../../postgres/connection/migration-connections.ts';
import { migratePlugin } from '../../postgres/migrate/migrator.ts';
import { StatementWatch } from '../../postgres/watch/statement-watch.ts';
import type { PluginMigrations } from '../../postgres/sources/read-migrations.ts';
import type { Survey } from '../../postgres/survey/survey.ts';
import type { RunAround } from '../around/around.ts';
import type { Discovered } from '../discover/discover-phase.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import { flushMigrations } from './flush-migrations.ts';
import { LockWaits } from './lock-waits.ts';
import type { PluginPath } from './plugin-path.ts';
import { registerPlugins } from './register-plugins.ts';
import { hasWork, refuseProblems, surveyByMode, emitSurvey } from './survey-plugins.ts';

interface MigrateAllPhase {
  readonly survey: (task: TaskArgs<undefined>) => Promise<SurveyResult>;
  readonly migrate: (task: TaskArgs<InSlot>) => Promise<MigrateResult>;
  readonly wait: (task: TaskArgs<OfPlugin & { readonly attempt: number }>) => Promise<WaitResult>;
  readonly flush: (task: TaskArgs<{ readonly outcome: PhaseOutcome }>) => Promise<FlushResult>;
  readonly register: (task: TaskArgs<undefined>) => Promise<RegisterResult>;
  /** Closes the connections that no migration has any longer. */
  readonly close: () => void;
}

/** The migrations of a plugin, and what of them has been emitted: its task may run several times. */
interface PluginMigrating {
  readonly migrations: PluginMigrations;
  hasSlot: boolean;
  hasStarted: boolean;
}

/**
 * The third phase: one look at the database, then the pending files of every plugin, one flush to the disk, and the registry.
 * Nothing is changed when the survey finds a problem.
 */
export function migrateAllPhase(
  around: RunAround,
  discovered: () => Discovered,
  graph: () => PluginGraph,
  path: PluginPath,
): MigrateAllPhase {
  const { settings, clock, emit, cut, sent, telemetry } = around;
  const rules = settings.migrations;
  const waits = new LockWaits(clock, rules.lockWait, emit);
  const connections = new MigrationConnections(around.migrationPool, clock);
  const watch = new StatementWatch({ pool: around.migrationPool, clock, emit, cut });
  /** The connection from which migrations are watched never takes the place of one that migrates. */
  const emitWaiting: Emit = (event) => {
    if (event.type === 'boot.waiting') watch.giveWay();
    emit(event);
  };
  let migrating = new Map<string, PluginMigrating>();
  let survey: Survey | undefined;
  /** By plugin, the histories with a COMMIT, of this process or another, that may not be on the disk yet. */
  const unflushed = new Map<string, UnflushedHistory>();

  async function migrate({ input, signal, windDown }: TaskArgs<InSlot>): Promise<MigrateResult> {
    const { plugin, slot } = input;
    const known = migrating.get(plugin);
    if (!known || !survey) throw new Error(`no migrations of ${plugin} in this launch`);
    if (!known.hasSlot) emit({ type: 'plugin.migrate.connecting', plugin, slot });
    known.hasSlot = true;
    // A plugin that waits for a connection has begun nothing, and ends at once when the others wind down.
    const waiting = AbortSignal.any([signal, windDown]);
    const place = {
      phase: 'migrateAll',
      plugin,
      signal: waiting,
      // A pooler may answer from another backend.
      ...(!survey.pooler && { connections }),
    } as const;
    const pool = createPatientPool({ ...around, emit: emitWaiting }, place);
    const options: MigrateOptions = {
      onLock: (lock) => {
        if (known.hasStarted) return;
        known.hasStarted = true;
        const waitedMs = waits.waitedMs(plugin);
        emit({ type: 'plugin.migrate.started', plugin, slot, waitedMs, ...lock });
      },
      signal,
      windDown,
      cut,
      clock,
      emit,
      settings: rules,
      watch,
      keepsSession: survey.keepsSession,
      isDirect: !survey.pooler,
      onExtensionSchemas: path.add,
      onUnflushed: (history) => unflushed.set(plugin, history),
      inFile: (file, run) => telemetry.inFile(plugin, file, run),
    };
    const result = await telemetry.inStep('migrate', plugin, () =>
      migratePlugin(pool, known.migrations, options),
    );
    if (result.status === 'locked') waits.refused(plugin, result.holder);
    return result;
  }

  return {
    close: () => connections.close(),
    survey: async ({ signal }) => {
      const { plugins } = graph();
      const startedAt = clock.elapsed();
      const sentBefore = sent.total;
      const surveyed = await surveyByMode(around, plugins, signal);
      survey = surveyed.survey;
      migrating = new Map(
        surveyed.migrations.map((each) => [
          each.id,
          { migrations: each, hasSlot: false, hasStarted: false },
        ]),
      );
      path.add(survey?.schemasOnPath ?? []);
      const statements = sent.total - sentBefore;
      emitSurvey(surveyed, { statements, durationMs: roundMs(clock.elapsed() - startedAt) }, emit);
      refuseProblems(surveyed);
      for (const id of surveyed.awaited) {
        const historySchema = migrating.get(id)?.migrations.historySchema;
        if (historySchema !== undefined)
          unflushed.set(id, { historySchema, rows: 1, comment: null });
      }
      const pending = new Set((survey?.plugins ?? []).filter(hasWork).map(({ id }) => id));
      connections.expect(pending.size);
      const upToDate = plugins.map(({ id }) => id).filter((id) => !pending.has(id));
      return { status: 'done', upToDate };
    },
    migrate,
    wait: ({ input, signal }) => waits.wait(input.plugin, input.attempt, signal),
    flush: async ({ input, signal }) => {
      await flushMigrations(around, unflushed, input.outcome, signal);
      return { status: 'done' };
    },
    register: async ({ signal }) => {
      if (settings.registry) await registerPlugins(around, discovered(), signal);
      return { status: 'done' };
    },
  };
}
