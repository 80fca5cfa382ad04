import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { BootError } from '../core/errors.ts';
import type { BootEvent } from '../core/events.ts';
import { readMessage } from '../core/foreign-value.ts';
import { silentLogger } from '../core/logger.ts';
import type { Plugin } from '../core/plugin.ts';
import { listNames } from '../core/printable.ts';
import type { BootReport, LaunchReport, RemovalReport, TenantsReport } from '../core/report.ts';
import { buildReport, reportLaunch, reportRemoval } from '../insight/build-report.ts';
import { readState } from '../insight/read-state.ts';
import { EventBus, type EventSource } from '../telemetry/bus.ts';
import { createChannelListener, traceLaunch } from '../telemetry/channels.ts';
import { createHeartbeat } from '../telemetry/heartbeat.ts';
import { createLogListener } from '../telemetry/log-listener.ts';
import { WorkTelemetry } from '../telemetry/work-telemetry.ts';
import type { BootOptions } from './options/boot-options.ts';
import { checkBootOptions, type BootSettings } from './options/boot-settings.ts';
import { MachineInspection } from './machine-inspection.ts';
import type { Boot, RemoveOptions } from './boot.ts';
import { checkAdded, checkRemoval } from './options/changes.ts';
import type { Launches } from './launches.ts';
import { notMigrated } from './init-all/host-databases.ts';
import { BootRun, type RunEnd, type Until } from './run.ts';
import { recordBoot } from '../record/record-boot.ts';
import { watchBoot, whileWatched } from './around/exit-watch.ts';
import { readProcessFacts } from './around/process-facts.ts';
import type { BootState } from '../core/boot-state.ts';
import { makePlan, type BootPlan } from './idle/plan.ts';
import { checkPlanOptions, type PlanOptions } from './idle/rehearse-options.ts';
import { Relay } from './relay.ts';
import { ServiceRegistry } from './around/service-registry.ts';
import { StatementCount } from './around/statement-count.ts';
import { WayDown } from './around/way-down.ts';

/**
 * Makes a boot from its options. Checks and freezes them, and does nothing else: attach listeners, then `start()`.
 *
 * @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID`
 * @example
 * const boot = createBoot({ pool, plugins: [auth, catalog], logger: 'info' });
 * boot.on('plugin.migrate.waiting', ({ plugin, holder }) => console.log(plugin, 'waits for', holder));
 * const report = await boot.start();
 * process.once('SIGTERM', () => void boot.stop('SIGTERM'));
 */
export function createBoot(options: BootOptions): Boot {
  return new PluginBoot(checkBootOptions(options));
}

/** The listeners of a boot, its one run, and its way down. */
class PluginBoot implements Boot {
  readonly id = randomUUID();
  readonly services: ServiceRegistry;
  readonly #settings: BootSettings;
  readonly #bus: EventBus;
  readonly #relay: Relay;
  readonly #machines: MachineInspection;
  readonly #telemetry: WorkTelemetry;
  readonly #wayDown: WayDown;
  readonly #sent = new StatementCount();
  #run: BootRun | undefined;
  #started: Promise<BootReport> | undefined;
  #down: Promise<RunEnd> | undefined;
  #stopped: Promise<BootReport> | undefined;
  #hasEnded = false;
  #endWatch: (() => void) | undefined;

  constructor(settings: BootSettings) {
    this.#settings = settings;
    this.services = new ServiceRegistry(settings.services);
    this.#wayDown = new WayDown(settings.clock, settings.stop.total);
    this.#bus = new EventBus((error, { type }) =>
      settings.ownLogger.warn({ err: error, event: type }, 'a listener of the boot failed'),
    );
    this.#relay = new Relay({
      bootId: this.id,
      clock: settings.clock,
      deliver: (event) => this.#bus.emit(event),
      sent: this.#sent,
    });
    this.#machines = new MachineInspection({
      elapsed: () => this.#relay.elapsedMs,
      report: (error, type) =>
        settings.ownLogger.warn({ err: error, record: type }, 'an observer of the machines failed'),
    });
    this.#telemetry = new WorkTelemetry({
      bootId: this.id,
      report: (error) => settings.ownLogger.warn({ err: error }, 'a wrapper of the boot failed'),
    });
    if (settings.record !== undefined) recordBoot(this, settings.record, this.#relay.emit);
    this.#bus.onAny(createChannelListener());
    if (settings.logger !== silentLogger) this.#bus.onAny(createLogListener(settings.ownLogger));
    this.#bus.onAny(createHeartbeat(settings.clock, () => this.state(), this.#relay.emit));
  }

  readonly on: EventSource['on'] = (name, listener) => this.#bus.on(name, listener);
  readonly once: EventSource['once'] = (name, listener) => this.#bus.once(name, listener);
  readonly off: EventSource['off'] = (name, listener) => this.#bus.off(name, listener);
  readonly onAny: EventSource['onAny'] = (listener) => this.#bus.onAny(listener);
  readonly beforeStop: Boot['beforeStop'] = (drain) => this.#wayDown.addDrain(drain);

  readonly wrap: Boot['wrap'] = (wrapper) => this.#telemetry.add(wrapper);
  readonly inspect: Boot['inspect'] = (observer, options) => this.#machines.add(observer, options);

  start(): Promise<BootReport> {
    return this.#begin('ready');
  }

  migrate(): Promise<BootReport> {
    return this.#begin('migrated');
  }

  database(plugin: string): Pool {
    if (!this.#run) throw notMigrated(plugin);
    return this.#run.launches.databases.get(plugin);
  }

  async plan(options: PlanOptions = {}): Promise<BootPlan> {
    const { rehearse } = checkPlanOptions(options);
    const what = rehearse ? 'a rehearsal' : 'plan()';
    return whileWatched(what, () => makePlan(this.#settings, rehearse));
  }

  async add(plugins: Plugin | readonly Plugin[]): Promise<LaunchReport> {
    const checked = checkAdded(plugins);
    const what = `add() of ${listNames(checked.map(({ id }) => id))}`;
    return whileWatched(what, async () => {
      const { changes } = this.#findUp() ?? (await this.#waitUntilUp('add'));
      const { launch, error } = await changes.add(checked);
      const record = this.#relay.record.findLaunch(launch);
      if (!record) throw error ?? notUp('add');
      const report = reportLaunch(record);
      if (error) throw withReport(error, report);
      return report;
    });
  }

  async remove(plugin: string, options: RemoveOptions = {}): Promise<RemovalReport> {
    const request = checkRemoval(plugin, options, this.#settings.host?.plugin.id);
    return whileWatched(`remove() of ${plugin}`, async () => {
      const { changes } = this.#findUp() ?? (await this.#waitUntilUp('remove'));
      const removal = await changes.remove(request);
      const record = this.#relay.record.findRemoval(removal);
      if (!record) throw notUp('remove');
      return reportRemoval(record, this.#relay.elapsedMs);
    });
  }

  async migrateTenants(plugin: string): Promise<TenantsReport> {
    return whileWatched(`migrateTenants() of ${plugin}`, async () => {
      const launches = this.#findUp() ?? (await this.#waitUntilUp('migrateTenants'));
      return launches.migrateTenants(plugin);
    });
  }

  /** Returns the launches while the boot is up. Nothing is awaited, so that a change comes before a stop that is called after it. */
  #findUp(): Launches | undefined {
    const isUp = this.#run?.stateName === 'ready' && this.#wayDown.reason === undefined;
    return isUp ? this.#run?.launches : undefined;
  }

  async #waitUntilUp(method: string): Promise<Launches> {
    await this.#started?.catch(() => {});
    const launches = this.#findUp();
    if (!launches) throw notUp(method);
    return launches;
  }

  stop(reason: unknown = 'stop'): Promise<BootReport> {
    // As a listener of another emitter it gets any value.
    this.#stopped ??= this.#stop(readMessage(reason));
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('disposed');
  }

  state(): BootState {
    const idle = this.#hasEnded ? 'stopped' : 'idle';
    return readState(this.#relay.record, this.#run?.stateName ?? idle, this.#relay.elapsedMs);
  }

  report(): BootReport {
    return buildReport(this.#relay.record);
  }

  get events(): readonly BootEvent[] {
    return this.#relay.events;
  }

  get elapsedMs(): number {
    return this.#relay.elapsedMs;
  }

  #begin(until: Until): Promise<BootReport> {
    if (this.#hasEnded || (this.#run && this.#run.until !== until)) {
      return Promise.reject(alreadyRun(this.#hasEnded));
    }
    if (this.#started) return this.#started;
    const run = this.#createRun(until);
    this.#run = run;
    let begin = (): void => {};
    // Both are known before the first event: a listener may start or stop the boot.
    this.#started = new Promise((resolve, reject) => {
      begin = () => void traceLaunch(this.id, () => this.#launch(run)).then(resolve, reject);
    });
    begin();
    return this.#started;
  }

  #createRun(until: Until): BootRun {
    return new BootRun({
      until,
      settings: this.#settings,
      sent: this.#sent,
      relay: this.#relay,
      machines: this.#machines,
      telemetry: this.#telemetry,
      onWayDown: () =>
        this.#goDown(until === 'ready' ? 'the boot failed' : 'the migrations have ended'),
      services: this.services,
      wayDown: this.#wayDown,
    });
  }

  async #launch(run: BootRun): Promise<BootReport> {
    this.#down = run.ended.then((end) => this.#finishWayDown(end));
    this.#endWatch = watchBoot(() => this.state());
    this.#relay.emit({
      type: 'boot.started',
      until: run.until,
      ...readProcessFacts(),
      ...run.limits,
      ...(this.#settings.hostApp && { hostApp: this.#settings.hostApp }),
    });
    run.begin();
    return this.#finishLaunch(await Promise.race([run.ready, this.#down]));
  }

  #finishLaunch({ outcome, error }: Pick<RunEnd, 'outcome' | 'error'>): BootReport {
    this.#relay.emit({
      type: 'boot.finished',
      outcome,
      durationMs: this.#relay.elapsedMs,
      ...(error ? { error } : {}),
    });
    this.#unwatch();
    const isUp = outcome === 'ready' || outcome === 'degraded';
    if (isUp && this.#settings.history) this.#run?.keep(this.events);
    if (error) throw withReport(error, this.report());
    return this.report();
  }

  async #stop(reason: string): Promise<BootReport> {
    const run = this.#run;
    if (!run) {
      this.#hasEnded = true;
      // Nothing has begun and no event is emitted, but the drains have their limit all the same.
      this.#wayDown.begin(reason);
      await this.#wayDown.drain();
      this.#wayDown.end();
      return this.report();
    }
    this.#goDown(reason);
    run.cancelChanges();
    if (run.stateName === 'ready') await this.#wayDown.drain();
    run.stop(reason);
    await this.#down;
    await this.#started?.catch(() => {});
    return this.report();
  }

  #goDown(reason: string): void {
    if (!this.#wayDown.begin(reason)) return;
    this.#endWatch ??= watchBoot(() => this.state());
    this.#relay.emit({ type: 'boot.stopping', reason });
    void this.#wayDown.drain();
  }

  #unwatch(): void {
    this.#endWatch?.();
    this.#endWatch = undefined;
  }

  #finishWayDown(end: RunEnd): RunEnd {
    this.#hasEnded = true;
    // The error of a launch is reported with its outcome. A defect that comes later has no other place.
    const late = this.#relay.record.finished && end.error ? [end.error] : [];
    this.#relay.closeOpenSteps('the boot has ended');
    this.#relay.emit({
      type: 'boot.stopped',
      reason: this.#wayDown.reason ?? 'the boot failed',
      durationMs: this.#wayDown.end(),
      errors: [...late, ...end.errors],
    });
    this.#unwatch();
    return end;
  }
}

/** Adds its report to an error. Not enumerable: the console would print all of it. */
function withReport(error: BootError, report: BootReport | LaunchReport): BootError {
  return Object.defineProperty(error, 'report', { value: report, configurable: true });
}

function alreadyRun(hasEnded: boolean): BootError {
  const message = hasEnded
    ? 'This boot has ended'
    : 'start() and migrate() were both called on one boot';
  return new BootError('BOOT_ALREADY_RUN', message);
}

function notUp(method: string): BootError {
  return new BootError('BOOT_NOT_UP', `${method}() was called on a boot that is not up`);
}
