import type { Pool } from 'pg';
import type { BootState } from '../core/boot-state.ts';
import type { BootEvent } from '../core/events.ts';
import type { InspectOptions, MachineObserver } from '../core/machine-records.ts';
import type { Plugin } from '../core/plugin.ts';
import type { BootReport, LaunchReport, RemovalReport, TenantsReport } from '../core/report.ts';
import type { WorkWrapper } from '../core/work.ts';
import type { EventSource } from '../telemetry/bus.ts';
import type { Services } from './around/service-registry.ts';
import type { BootPlan } from './idle/plan.ts';
import type { PlanOptions } from './idle/rehearse-options.ts';

/** How to remove a plugin. */
export interface RemoveOptions {
  /**
   * What to do when other plugins use its services: refuse the removal, or stop them first.
   *
   * @default 'refuse'
   */
  readonly dependents?: 'refuse' | 'stop';
}

/** One boot of a backend of plugins. It runs once. */
export interface Boot extends EventSource, AsyncDisposable {
  /** A UUID, in every event and in the report. */
  readonly id: string;
  /** The services that are up. */
  readonly services: Services;
  /**
   * Returns the database of a plugin for the host's own code: a pool whose every statement runs in the plugin's schema, on the
   * pool of the boot.
   *
   * @throws BootError `DATABASE_NOT_MIGRATED` until every migration has succeeded, `DATABASE_CLOSED` when the boot has ended,
   * `OPTIONS_INVALID` when there is no such plugin
   * @example await boot.database('catalog').query('SELECT count(*) FROM items');
   */
  database(plugin: string): Pool;
  /**
   * Migrates every plugin, then starts them all. Any number of calls give the same promise.
   *
   * @throws BootError with the `report`; everything that had started is stopped by then. `BOOT_CANCELED` when `stop()` was
   * called before it was ready, `BOOT_ALREADY_RUN` when this boot has ended.
   */
  start(): Promise<BootReport>;
  /** Like `start()`, but ends after the migrations: for a migrate job or an init container. */
  migrate(): Promise<BootReport>;
  /**
   * Reports what `start()` would do, without changing anything: the order, warnings, pending files and problems. With `rehearse`
   * it also runs the pending files for a trial, and rolls them back.
   *
   * @throws BootError `PLUGIN_NOT_LOADED`, `PLUGIN_INVALID`, `GRAPH_INVALID` or `DATABASE_UNREACHABLE`; of a rehearsal also
   * `OPTIONS_INVALID`, `MIGRATION_CONNECTION_LOST` and `BOOT_CANCELED`
   * @example const { rehearsal } = await boot.plan({ rehearse: { within: '2s' } });
   */
  plan(options?: PlanOptions): Promise<BootPlan>;
  /**
   * Adds plugins to a boot that is up: they take the way of the boot itself, discover, sort, migrateAll and initAll, while the
   * others serve. Changes take place one after the other. Plugins that are up do not change: a collection or an optional
   * service that they have got stays as it is.
   *
   * @param plugins One plugin, or a list of plugins that may need each other.
   * @returns Its report, once the plugins are up; `degraded` without an optional one of them.
   * @throws BootError as `start()` does, with the `report` of this launch: what it had started is stopped again, and the boot
   * serves as before. `BOOT_NOT_UP` before `start()` and after `stop()`; `BOOT_CANCELED` when `stop()` came first.
   * @example await boot.add(definePlugin({ id: 'reviews', migrations: new URL('./reviews', import.meta.url) }));
   */
  add(plugins: Plugin | readonly Plugin[]): Promise<LaunchReport>;
  /**
   * Stops a plugin while the others serve, and forgets it. Its schema and its data stay.
   *
   * @returns What was stopped. It does not reject for a stop handler that failed: the plugin is removed all the same.
   * @throws BootError `REMOVAL_REFUSED` when it is not up, or others use it and are not to be stopped; `BOOT_NOT_UP`;
   * `BOOT_CANCELED` when `stop()` came first
   * @example await boot.remove('reviews', { dependents: 'stop' });
   */
  remove(plugin: string, options?: RemoveOptions): Promise<RemovalReport>;
  /**
   * Migrates the tenants of a plugin that is up: asks its function `tenants` again, and migrates those that are behind, such as
   * one that has just signed up. `tenants` of its `init` has the new ones when this has resolved. Calls at the same time are
   * safe, in one process and in many.
   *
   * @returns The tenants, with what was done for each that was behind.
   * @throws BootError as `start()` does; what failed is tried again by the next call. `OPTIONS_INVALID` when the plugin is not up
   * or has no tenants, `BOOT_NOT_UP`, and `BOOT_CANCELED` when the boot stops or the
   * plugin is removed
   * @example await boot.migrateTenants('shop');
   */
  migrateTenants(plugin: string): Promise<TenantsReport>;
  /** Stops everything in reverse order, in any phase. Never rejects: what went wrong on the way is in the report. */
  stop(reason?: string): Promise<BootReport>;
  /**
   * Registers work to finish before anything is stopped, such as open requests. A boot that is up waits for it, at most
   * `stop.total`; one that is not up yet does not wait.
   *
   * @param drain Its signal is aborted when that time is over.
   * @returns A function that removes it.
   * @example boot.beforeStop(() => closeServer(server));
   */
  beforeStop(drain: (cut: AbortSignal) => unknown): () => void;
  /**
   * Calls the observer for every change of the machines and their tasks: what begins, what ends, and each transition. An
   * observer that comes after `start()` first gets a record of each actor that is alive.
   *
   * @returns A function that removes it.
   * @example boot.inspect((record) => console.log(JSON.stringify(record)));
   */
  inspect(observer: MachineObserver, options?: InspectOptions): () => void;
  /**
   * Calls the wrapper around each piece of work that begins from now on: tasks of a phase, steps of plugins, attempts at
   * migration files. It gives that work an async context, such as a trace's. What it throws is logged and affects nothing else.
   *
   * @returns A function that removes it.
   * @example
   * const current = new AsyncLocalStorage<Work>();
   * boot.wrap((work, run) => current.run(work, run));
   */
  wrap(wrapper: WorkWrapper): () => void;
  /** The phase of the boot, and the state of every step. */
  state(): BootState;
  /** The report so far, complete at any moment. */
  report(): BootReport;
  /** Every event so far, in order; after the first 100,000 of them, without those of single statements. */
  readonly events: readonly BootEvent[];
  /** The time since the start, in ms; 0 before it. */
  readonly elapsedMs: number;
}
