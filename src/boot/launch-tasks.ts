import type { Pool } from 'pg';
import {
  fromTask,
  type Done,
  type MigrateResult,
  type OfPlugin,
  type TaskArgs,
  type Tasks,
} from '../../machines/index.ts';
import type { BootNews, DatabaseFacts, Tell } from '../core/events.ts';
import type { PluginGraph } from '../core/graph.ts';
import { isRequired } from '../core/plugin.ts';
import { getPluginSchemaName } from '../core/schema-name.ts';
import { steps } from '../core/steps.ts';
import type { PatientPool } from '../postgres/connection/connect-with-patience.ts';
import { AdvisoryLocks } from '../postgres/locks/advisory-lock-service.ts';
import { migratePlugin } from '../postgres/migrate/migrator.ts';
import { openScopedPool } from '../postgres/scoped/scoped-pool.ts';
import type { Survey } from '../postgres/survey/survey.ts';
import type { MigrationTarget } from '../postgres/sources/migration-target.ts';
import type { BootSetup } from './boot-options.ts';
import type { KnownPlugin } from './discover/discover-plugins.ts';
import { gatherPlugins, noPlugins, type GatheredPlugins } from './gather-plugins.ts';
import { LockWaits } from './lock-waits.ts';
import { lookByMode } from './migration-mode.ts';
import { createPatientPool } from './patient-pool.ts';
import { register } from './plugin-registry.ts';
import { PluginRunner } from './plugin-runner.ts';
import { RunningTasks } from './running-tasks.ts';
import type { ServiceRegistry } from './service-registry.ts';
import { sortPlugins } from './sort-plugins.ts';
import { hasWork, refuseProblems, surveyPlugins, tellPlans } from './survey-plugins.ts';
import type { WayDown } from './way-down.ts';

export interface LaunchParts {
  readonly setup: BootSetup;
  /** Of the plugins. */
  readonly pool: Pool;
  /** Of migrations, registry and locks. */
  readonly migrationPool: Pool;
  readonly services: ServiceRegistry;
  readonly wayDown: WayDown;
  readonly tell: Tell;
  /** Aborted when the machine itself has broken: then every task gives up. */
  readonly broken: AbortSignal;
}

/**
 * The real work behind the tasks that the machines name. What one phase finds out for the next stays in here: the machines
 * see ids and nothing else.
 */
export class LaunchTasks {
  readonly tasks: Tasks;
  readonly #parts: LaunchParts;
  readonly #waits: LockWaits;
  readonly #locks: AdvisoryLocks;
  #gathered: GatheredPlugins = noPlugins;
  #graph: PluginGraph = { plugins: [], nodes: [], edges: [], warnings: [] };
  #targets: ReadonlyMap<string, MigrationTarget> = new Map();
  #survey: Survey | undefined;
  /** Listed, or found by the survey and by migrations. */
  #extensionSchemas: readonly string[] = [];
  #runner: PluginRunner;
  #statements = 0;
  readonly #started = new Set<string>();
  readonly #running: RunningTasks;

  constructor(parts: LaunchParts) {
    this.#parts = parts;
    const { clock, settings, migrationSource: source } = parts.setup;
    const { extensionSchemas } = settings.migrations;
    if (extensionSchemas !== 'auto') this.#extensionSchemas = extensionSchemas;
    this.#waits = new LockWaits(clock, settings.migrations.lockWait, parts.tell);
    this.#locks = new AdvisoryLocks({
      source,
      clock,
      pooler: settings.pooler,
      connectWaitMs: settings.connect.wait,
      cut: parts.wayDown.cut,
    });
    this.#runner = this.#createRunner();
    this.#running = new RunningTasks(parts.broken);
    const task = this.#running.task;
    this.tasks = {
      discover: task(({ signal }) => this.#discover(signal)),
      sort: task(async () => this.#sort()),
      survey: task(({ signal }) => this.#look(signal)),
      migrate: task((args) => this.#migrate(args)),
      wait: task(({ input, signal }) => this.#waits.wait(input.plugin, input.attempt, signal)),
      register: task(({ signal }) => this.#register(signal)),
      init: task(({ input, signal }) => this.#runner.init(input.plugin, signal)),
      ready: task(({ input, signal }) => this.#runner.ready(input.plugin, signal)),
      stop: fromTask(({ input }) => this.#runner.stop(input.plugin)),
    };
  }

  /** What the survey learned of the server. */
  databaseFacts(): DatabaseFacts | undefined {
    if (!this.#survey) return undefined;
    const { server, pooler } = this.#survey;
    return { server, pooler, statements: this.#statements };
  }

  /** Waits for every task and ends every life that the machine left behind, as it does only when it breaks. */
  async end(): Promise<void> {
    await this.#running.allSettled();
    await this.#runner.endAll();
    await this.#locks.close();
  }

  async #discover(signal: AbortSignal): Promise<Done> {
    const { setup, migrationPool, services, tell } = this.#parts;
    this.#gathered = await gatherPlugins(setup, {
      pool: migrationPool,
      services,
      tell,
      signal,
      clock: setup.clock,
      onStatement: this.#countStatement,
    });
    const { known, switched, failure } = this.#gathered;
    const off = new Map(switched.off.map(({ plugin, because }) => [plugin, because]));
    const all = [...(setup.host ? [{ plugin: setup.host.plugin }] : []), ...known];
    const seen = new Set<string>();
    for (const each of all) {
      if (seen.has(each.plugin.id)) continue;
      seen.add(each.plugin.id);
      this.#tellDiscovered(each, off.get(each.plugin));
    }
    if (failure) throw failure;
    return { status: 'done' };
  }

  /** @param offBecause Why it takes no part: then all its steps have settled here. */
  #tellDiscovered({ plugin, source }: KnownPlugin, offBecause: string | undefined): void {
    const { tell } = this.#parts;
    tell({
      type: 'plugin.discovered',
      plugin: plugin.id,
      ...(plugin.version === undefined ? {} : { version: plugin.version }),
      required: isRequired(plugin),
      enabled: offBecause === undefined,
      ...(source ? { source } : {}),
    });
    if (offBecause === undefined) return;
    const settled = {
      plugin: plugin.id,
      outcome: 'skipped',
      durationMs: 0,
      because: offBecause,
    } as const;
    for (const step of steps) tell({ type: `plugin.${step}.finished`, ...settled });
  }

  #sort(): Done & { readonly nodes: PluginGraph['nodes'] } {
    const { setup, tell } = this.#parts;
    this.#graph = sortPlugins(this.#gathered, setup);
    this.#runner = this.#createRunner();
    const { plugins, edges, warnings, nodes } = this.#graph;
    tell({ type: 'graph.sorted', order: plugins.map(({ id }) => id), edges, warnings });
    return { status: 'done', nodes };
  }

  async #look(signal: AbortSignal): Promise<Done & { readonly upToDate: readonly string[] }> {
    const { setup, migrationPool: pool, tell, wayDown } = this.#parts;
    const { mode, lockWait } = setup.settings.migrations;
    const { cut } = wayDown;
    const parts = { pool, setup, tell, signal, cut, onStatement: this.#countStatement };
    const surveyed = await lookByMode(() => surveyPlugins(this.#graph.plugins, parts), {
      mode,
      tell,
      signal,
      waitMs: lockWait,
      clock: setup.clock,
    });
    this.#survey = surveyed.survey;
    this.#learnExtensionSchemas(surveyed.survey?.extensionSchemas ?? []);
    tellPlans(surveyed, tell);
    refuseProblems(surveyed);
    this.#targets = new Map(surveyed.targets.map((target) => [target.id, target]));
    const pending = new Set(
      (surveyed.survey?.plugins ?? []).filter(hasWork).map((plugin) => plugin.id),
    );
    const upToDate = this.#graph.plugins.map(({ id }) => id).filter((id) => !pending.has(id));
    return { status: 'done', upToDate };
  }

  async #migrate({ input, signal, windDown }: TaskArgs<OfPlugin>): Promise<MigrateResult> {
    const { wayDown, setup } = this.#parts;
    const target = this.#targets.get(input.plugin);
    const survey = this.#survey;
    if (!target || !survey) throw new Error(`no migrations of ${input.plugin} in this launch`);
    const pool = this.#patientPool({
      // One that waits for a connection has begun nothing, and ends at once when the others wind down.
      signal: AbortSignal.any([signal, windDown]),
      plugin: input.plugin,
    });
    const result = await migratePlugin(pool, target, {
      signal,
      windDown,
      cut: wayDown.cut,
      clock: setup.clock,
      tell: (news) => this.#tellStartOnce(news),
      settings: setup.settings.migrations,
      keepsSession: survey.keepsSession,
      onExtensionSchemas: (schemas) => this.#learnExtensionSchemas(schemas),
      onStatement: this.#countStatement,
    });
    if (result.status === 'locked') this.#waits.refused(input.plugin, result.holder);
    return result;
  }

  #patientPool(of: { readonly signal: AbortSignal; readonly plugin?: string }): PatientPool {
    const { migrationPool: pool, setup, tell } = this.#parts;
    const { clock, settings } = setup;
    const waitMs = settings.connect.wait;
    return createPatientPool({ pool, phase: 'migrateAll', waitMs, clock, tell, ...of });
  }

  /** A plugin whose lock ends with each file may lose its turn between two of them; it goes on later, and has started once. */
  #tellStartOnce(news: BootNews): void {
    if (news.type === 'plugin.migrate.started') {
      if (this.#started.has(news.plugin)) return;
      this.#started.add(news.plugin);
    }
    this.#parts.tell(news);
  }

  async #register(signal: AbortSignal): Promise<Done> {
    const { setup, tell, wayDown } = this.#parts;
    const { known, rows } = this.#gathered;
    const pool = this.#patientPool({ signal });
    const { cut } = wayDown;
    const { clock } = setup;
    // It is one transaction, and writing the same twice changes nothing.
    const pin = { signal, clock, cut, onStatement: this.#countStatement, mayRepeat: () => true };
    if (setup.registry) await register(known, rows, { pool, pin, tell });
    return { status: 'done' };
  }

  /** Plugins side by side may tell in another order than they looked in: what one has found stays found. */
  #learnExtensionSchemas(schemas: readonly string[]): void {
    this.#extensionSchemas = [...new Set([...this.#extensionSchemas, ...schemas])];
  }

  readonly #countStatement = (): void => {
    this.#statements += 1;
  };

  #createRunner(): PluginRunner {
    const { setup, services, tell, wayDown, pool } = this.#parts;
    const { schemaPrefix } = setup.settings.migrations;
    return new PluginRunner({
      services,
      tell,
      wayDown,
      plugins: this.#graph.plugins,
      settings: setup.settings,
      clock: setup.clock,
      logger: setup.logger,
      ownLogger: setup.ownLogger,
      scopedPool: (plugin) =>
        openScopedPool(pool, getPluginSchemaName(plugin, schemaPrefix), {
          extensionSchemas: this.#extensionSchemas,
        }),
      locksFor: (life) => this.#locks.serviceFor(life),
    });
  }
}
