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
import { placeTenant, readTenant } from '../../core/tenants.ts';
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
import { emitSurvey } from './emit-survey.ts';
import type { SchemaOwners } from './find-tenants.ts';
import type { KnownTenants } from './known-tenants.ts';
import { MigrateSlots } from './migrate-slots.ts';
import { listWork, refuseProblems, surveyByMode, type SurveyedPlugins } from './survey-plugins.ts';
import { TenantsRun, type TurnOutcome } from './tenants-run.ts';

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
  readonly survey: Survey;
  /** Those of the plugin, or of its tenants. */
  readonly migrations: PluginMigrations | TenantsRun;
  hasSlot: boolean;
  /** The plugin, and those of its tenants that have had their lock. */
  readonly started: Set<string>;
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
  knownTenants: KnownTenants,
  owners: () => SchemaOwners,
): MigrateAllPhase {
  const { settings, clock, cut, sent, telemetry } = around;
  const emit: Emit = (event) => around.emit(placeTenant(event));
  const rules = settings.migrations;
  const waits = new LockWaits(clock, rules.lockWait, emit);
  const connections = new MigrationConnections(around.migrationPool, clock);
  const watch = new StatementWatch({ pool: around.migrationPool, clock, emit, cut });
  const slots = new MigrateSlots(Math.min(rules.concurrency, around.migrationPool.options.max));
  /** The connection from which migrations are watched never takes the place of one that migrates. */
  const emitWaiting: Emit = (event) => {
    if (event.type === 'boot.waiting') watch.giveWay();
    emit(event);
  };
  let migrating = new Map<string, PluginMigrating>();
  /** By plugin or tenant, the histories with a COMMIT, of this process or another, that may not be on the disk yet. */
  const unflushed = new Map<string, UnflushedHistory>();

  async function migrate(task: TaskArgs<InSlot>): Promise<MigrateResult> {
    const { plugin, slot } = task.input;
    const known = migrating.get(plugin);
    if (!known) throw new Error(`no migrations of ${plugin} in this launch`);
    if (!known.hasSlot) emit({ type: 'plugin.migrate.connecting', plugin, slot });
    known.hasSlot = true;
    const { migrations } = known;
    const { windDown } = task;
    const run = (): Promise<TurnOutcome> =>
      migrations instanceof TenantsRun
        ? migrations.take({
            slots,
            windDown,
            migrate: (tenant, halt) => migrateOne(tenant, known, task, halt),
            onProgress: () => waits.restart(plugin),
          })
        : migrateOne(migrations, known, task, windDown);
    const result = await telemetry.inStep('migrate', plugin, async () => {
      return (await slots.hold(windDown, run)) ?? ({ status: 'canceled' } as const);
    });
    if (result.status === 'locked') waits.refused(plugin, result.holder, result.who);
    return result;
  }

  /** Migrates a plugin, or one of its tenants. */
  function migrateOne(
    migrations: PluginMigrations,
    { survey: { keepsSession, pooler }, started }: PluginMigrating,
    { input: { plugin, slot }, signal }: TaskArgs<InSlot>,
    windDown: AbortSignal,
  ): ReturnType<typeof migratePlugin> {
    const { id } = migrations;
    const place = {
      phase: 'migrateAll',
      plugin,
      // One that waits for a connection has begun nothing, and ends at once when the others wind down.
      signal: AbortSignal.any([signal, windDown]),
      // A pooler may answer from another backend.
      ...(!pooler && { connections }),
    } as const;
    const pool = createPatientPool({ ...around, emit: emitWaiting }, place);
    const options: MigrateOptions = {
      onLock: (lock) => {
        for (const each of new Set([plugin, id])) {
          if (started.has(each)) continue;
          started.add(each);
          const waitedMs = waits.waitedMs(plugin, id);
          emit({ type: 'plugin.migrate.started', plugin: each, slot, waitedMs, ...lock });
        }
      },
      signal,
      windDown,
      cut,
      clock,
      emit,
      settings: rules,
      watch,
      keepsSession,
      isDirect: !pooler,
      onExtensionSchemas: path.add,
      onUnflushed: (history) => unflushed.set(id, history),
      inFile: (file, run) => telemetry.inFile(id, file, run),
    };
    return migratePlugin(pool, migrations, options);
  }

  /** Prepares the migrations of the plugins that have work, by plugin. */
  function prepareMigrations(surveyed: SurveyedPlugins): Map<string, PluginMigrating> {
    const { survey, tenants } = surveyed;
    const prepared = new Map<string, PluginMigrating>();
    if (!survey) return prepared;
    for (const [plugin, behind] of groupWork(surveyed)) {
      const total = tenants.get(plugin)?.length;
      const [only] = behind;
      const migrations =
        total === undefined ? only : new TenantsRun({ plugin, total, behind, clock, emit });
      if (migrations) {
        prepared.set(plugin, { survey, migrations, hasSlot: false, started: new Set() });
      }
    }
    return prepared;
  }

  return {
    close: () => connections.close(),
    survey: async ({ signal }) => {
      const { plugins } = graph();
      const startedAt = clock.elapsed();
      const sentBefore = sent.total;
      const surveyed = await surveyByMode(around, plugins, owners(), signal);
      migrating = prepareMigrations(surveyed);
      path.add(surveyed.survey?.schemasOnPath ?? []);
      const statements = sent.total - sentBefore;
      const durationMs = roundMs(clock.elapsed() - startedAt);
      emitSurvey(plugins, surveyed, { statements, durationMs }, emit);
      refuseProblems(surveyed);
      for (const [id, tenants] of surveyed.tenants) knownTenants.set(id, tenants);
      const awaited = new Set(surveyed.awaited);
      for (const { id, historySchema } of surveyed.migrations) {
        if (awaited.has(id)) unflushed.set(id, { historySchema, rows: 1, comment: null });
      }
      connections.expect(listWork(surveyed).length);
      const upToDate = plugins.map(({ id }) => id).filter((id) => !migrating.has(id));
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

/** By plugin, the migrations that have work: its own, or those of its tenants. */
function groupWork(surveyed: SurveyedPlugins): ReadonlyMap<string, readonly PluginMigrations[]> {
  const behind = new Set(listWork(surveyed).map(({ id }) => id));
  const groups = new Map<string, PluginMigrations[]>();
  for (const each of surveyed.migrations) {
    if (!behind.has(each.id)) continue;
    const { plugin } = readTenant(each.id);
    const group = groups.get(plugin);
    if (group) group.push(each);
    else groups.set(plugin, [each]);
  }
  return groups;
}
