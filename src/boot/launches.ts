import {
  firstLaunch,
  fromTask,
  type Change,
  type ChangeNews,
  type MachineNews,
  type PhaseNews,
  type Tasks,
} from '../../machines/index.ts';
import { BootError } from '../core/errors.ts';
import { deadlineAfter, withEither } from '../core/patience.ts';
import type { Plugin } from '../core/plugin.ts';
import type { TenantsReport } from '../core/report.ts';
import { steps, type Outcome } from '../core/steps.ts';
import { launchSteps } from '../insight/step-times.ts';
import type { RunAround } from './around/around.ts';
import type { RunningTasks } from './around/running-tasks.ts';
import { Changes } from './changes.ts';
import { discoverPhase } from './discover/discover-phase.ts';
import type { HostDatabases } from './init-all/host-databases.ts';
import { initAllPhase } from './init-all/init-all-phase.ts';
import type { PluginRunner } from './init-all/plugin-runner.ts';
import { migrateAllPhase } from './migrate-all/migrate-all-phase.ts';
import type { SchemaOwners } from './migrate-all/find-tenants.ts';
import { KnownTenants } from './migrate-all/known-tenants.ts';
import { migrateTenants } from './migrate-all/migrate-tenants.ts';
import { createPluginPath, type PluginPath } from './migrate-all/plugin-path.ts';
import type { Relay } from './relay.ts';
import { sortPhase } from './sort/sort-phase.ts';

/** The phases of a launch before initAll. Each works on what the one before it has found out. */
type Launch = ReturnType<typeof createLaunch>;

/**
 * Creates the phases of a launch. They begin with nothing, so that a launch knows nothing of one before it.
 *
 * @param up The plugins that are up already, in their order; left out for the boot itself.
 */
function createLaunch(
  around: RunAround,
  path: PluginPath,
  tenants: KnownTenants,
  listOwners: () => SchemaOwners,
  up?: readonly Plugin[],
) {
  const { discover, discovered } = discoverPhase(around, up === undefined);
  const { sortGraph, graph } = sortPhase(around, discovered, up);
  const migrateAll = migrateAllPhase(around, discovered, graph, path, tenants, listOwners);
  return { discover, discovered, sortGraph, graph, ...migrateAll };
}

/** The launches of a boot: its own, and those that add plugins while it is up. They share the plugins that are up. */
export class Launches {
  /** The calls of `add()` and `remove()` that wait for the end of their change. */
  readonly changes: Changes;
  /** The databases of plugins, for the host's own code. */
  readonly databases: HostDatabases;
  /** Ends every plugin that the machine has not stopped, which happens only when the machine breaks. */
  readonly endLives: () => Promise<void>;
  readonly #around: RunAround;
  readonly #relay: Relay;
  readonly #running: RunningTasks;
  readonly #runner: PluginRunner;
  readonly #path: PluginPath;
  readonly #tenants = new KnownTenants();
  /** The plugins that launches have found disabled: their schemas stay their own. */
  readonly #disabled = new Set<Plugin>();
  /** By plugin, the migration of tenants that runs, and the one that comes next. */
  readonly #tenantRuns = new Map<string, TenantRuns>();
  readonly #stopping = new AbortController();
  /** Aborted when the plugin is removed. One that is added again is another one. */
  readonly #removing = new WeakMap<Plugin, AbortController>();
  /** The launch that runs, or the last one. */
  #launch: Launch;

  /** @param send Hands a change to the machine. */
  constructor(
    around: RunAround,
    relay: Relay,
    running: RunningTasks,
    send: (change: Change) => void,
  ) {
    this.#around = around;
    this.#relay = relay;
    this.#running = running;
    this.#path = createPluginPath(around.settings.migrations);
    const { runner, databases, end } = initAllPhase(around, this.#path, this.#tenants);
    this.#runner = runner;
    this.databases = databases;
    this.endLives = end;
    this.changes = new Changes(send);
    this.#launch = createLaunch(around, this.#path, this.#tenants, this.#listOwners);
  }

  /** Makes the tasks of the machines. Only one launch runs at a time, and each task works for that one. */
  createTasks(): Tasks {
    const { task } = this.#running;
    const runner = this.#runner;
    return {
      discover: task('discover', (each) => this.#begin(each.input.launch).discover(each)),
      sort: task('sort', async () => {
        const sorted = await this.#launch.sortGraph();
        runner.add(this.#launch.graph().plugins);
        for (const { plugin } of this.#launch.discovered().disabled) this.#disabled.add(plugin);
        return sorted;
      }),
      survey: task('migrateAll', (each) => this.#launch.survey(each)),
      migrate: task('migrateAll', (each) => this.#launch.migrate(each)),
      wait: task('migrateAll', (each) => this.#launch.wait(each)),
      flush: task('migrateAll', (each) => this.#launch.flush(each)),
      register: task('migrateAll', (each) => this.#launch.register(each)),
      init: task('initAll', (each) => runner.init(each)),
      ready: task('initAll', (each) => runner.ready(each)),
      // A stop has a time limit of its own and cannot be canceled.
      stop: fromTask(({ input }) => runner.stop(input)),
    };
  }

  /** Creates the launch of a number. One into a boot that is up has the added plugins, and its number in every event. */
  #begin(number: number): Launch {
    if (number === firstLaunch) return this.#launch;
    const plugins = this.changes.listAdded(number);
    const settings = { ...this.#around.settings, plugins, discover: undefined };
    const emit = this.#relay.emitIn(number);
    const up = this.#runner.listUp();
    const around = { ...this.#around, settings, emit };
    this.#launch = createLaunch(around, this.#path, this.#tenants, this.#listOwners, up);
    return this.#launch;
  }

  readonly #listOwners = (): SchemaOwners => ({
    plugins: [...this.#runner.list(), ...this.#disabled],
    tenants: this.#tenants,
  });

  /** Emits the news of the machines, and acts on them. */
  take(news: MachineNews): void {
    switch (news.type) {
      case 'launch.started':
        this.changes.begin(news, () => {
          const plugins = this.changes.listAdded(news.launch).map(({ id }) => id);
          this.#relay.emit({ ...news, plugins });
        });
        break;
      case 'launch.finished':
        this.#finishLaunch(news);
        break;
      case 'removal.started':
        this.#runner.reasonToStop = 'it is removed';
        this.#cancelTenantsOf(news.plugins);
        this.changes.begin(news, () => this.#relay.emit(news));
        break;
      case 'removal.finished':
        this.#relay.emit(news);
        this.#runner.forget(news.plugins);
        this.#closeDatabases(news.plugins, news);
        break;
      case 'phase.started':
      case 'phase.finished':
        this.#takePhase(news);
        this.#relay.emit(news);
        break;
      default:
        if (news.type === 'plugin.migrate.finished' && isMigrated(news.outcome)) {
          this.databases.addMigrated(news.plugin);
        }
        this.#relay.emit(news);
    }
  }

  /**
   * Migrates the tenants of a plugin that is up. A call while another one waits for its turn is the same: it has not asked for the
   * names yet.
   *
   * @throws BootError `OPTIONS_INVALID`, and what the migration throws
   */
  migrateTenants(id: string): Promise<TenantsReport> {
    const plugin = this.#runner.listUp().find((each) => each.id === id);
    if (!plugin?.tenants) throw noTenantsOf(id, plugin !== undefined);
    const { running, next } = this.#tenantRuns.get(id) ?? {};
    if (next) return next;
    const before = Promise.resolve(running).catch(() => undefined);
    const queued: Promise<TenantsReport> = before.then(() => {
      this.#tenantRuns.set(id, { running: queued });
      return this.#runTenants(plugin);
    });
    this.#tenantRuns.set(id, { ...(running && { running }), next: queued });
    return queued;
  }

  async #runTenants(plugin: Plugin): Promise<TenantsReport> {
    let run: Promise<TenantsReport> | undefined;
    await this.#running.add(async (broken) => {
      const removing = this.#findRemoving(plugin);
      run = withEither([broken, this.#stopping.signal, removing.signal], (signal) =>
        migrateTenants(this.#around, plugin, this.#path, this.#tenants, this.#listOwners(), signal),
      );
      await run.catch(() => undefined);
    });
    if (!run) throw new Error('the tenants were not migrated');
    return run;
  }

  /** Cancels the migration of tenants, because the boot stops. */
  cancelTenants(): void {
    this.#stopping.abort(new Error('the boot stops'));
  }

  /** Cancels the migration of tenants of plugins that are removed, also one that waits for its turn. */
  #cancelTenantsOf(ids: readonly string[]): void {
    for (const plugin of this.#runner.list()) {
      if (!ids.includes(plugin.id)) continue;
      this.#findRemoving(plugin).abort(new Error('the plugin is removed'));
    }
  }

  #findRemoving(plugin: Plugin): AbortController {
    const known = this.#removing.get(plugin) ?? new AbortController();
    this.#removing.set(plugin, known);
    return known;
  }

  /** Closes the connections that no migration has any longer. */
  closeMigrations(): void {
    this.#launch.close();
  }

  #takePhase(news: PhaseNews): void {
    if (news.type === 'phase.finished' && news.phase === 'migrateAll') {
      this.#launch.close();
      if (news.outcome === 'done') this.databases.open();
    }
    if (news.type === 'phase.started' && news.phase === 'stopAll') {
      this.#runner.reasonToStop = 'its launch has failed';
    }
  }

  /** The plugins of a launch that failed are down. Those of one that was canceled are stopped with all the others. */
  #finishLaunch(news: Extract<ChangeNews, { readonly type: 'launch.finished' }>): void {
    const hasFailed = news.outcome === 'failed';
    this.#relay.closeLaunch(news.launch, 'the launch has ended', hasFailed ? steps : launchSteps);
    this.#relay.emit(news);
    const failed = hasFailed ? this.#launch.graph().plugins.map(({ id }) => id) : [];
    this.#closeDatabases(this.#runner.takeBack(failed), news);
  }

  /**
   * Closes the databases of plugins that are down for good, and then settles the change. Queries of the host on them have the
   * time of a stop to end. The migrations of their tenants are canceled by then, and end.
   */
  #closeDatabases(ids: readonly string[], end: Parameters<Changes['settle']>[0]): void {
    const { clock, cut, settings } = this.#around;
    void this.#running.add(async () => {
      const deadline = deadlineAfter(clock, settings.stop.timeout, cut);
      await this.databases.remove(ids, deadline);
      deadline.cancel();
      await Promise.allSettled(ids.flatMap((id) => this.#tenantRuns.get(id)?.running ?? []));
      this.changes.settle(end);
    });
  }
}

interface TenantRuns {
  readonly running?: Promise<TenantsReport>;
  readonly next?: Promise<TenantsReport>;
}

function noTenantsOf(plugin: string, isUp: boolean): BootError {
  const why = isUp ? 'has no option tenants' : 'is not up';
  return new BootError('OPTIONS_INVALID', `The plugin ${plugin} ${why}`, { plugin });
}

function isMigrated(outcome: Outcome): boolean {
  return outcome === 'done' || outcome === 'upToDate';
}
