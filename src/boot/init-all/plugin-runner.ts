import type {
  InitResult,
  InSlot,
  ReadyResult,
  StopResult,
  TaskArgs,
} from '../../../machines/index.ts';
import { toMilliseconds, type Duration } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { sleep, deadlineAfter } from '../../core/patience.ts';
import { isRequired, type Plugin } from '../../core/plugin.ts';
import { isRecord } from '../../core/foreign-value.ts';
import { explainUndeclared, listServiceKeys } from '../../core/undeclared.ts';
import type { Unreturned } from '../../postgres/scoped/loans.ts';
import type { RunAround } from '../around/around.ts';
import { runBounded } from './bounded.ts';
import * as faults from './plugin-faults.ts';
import { PluginLife } from './plugin-life.ts';

type Task = Pick<TaskArgs<InSlot>, 'signal' | 'isCanceled'>;
type CreateContext = (plugin: Plugin, life: PluginLife) => PluginLife['context'];

interface Sorted {
  readonly plugin: Plugin;
  /** Its place in the order, which is the order of every collection. */
  readonly position: number;
}

const defaultBackoffMs = 200;
const longestBackoffMs = 60_000;

/** Runs the plugins' own code: `init`, `ready` and the stop handlers, each within its time. */
export class PluginRunner {
  /** Why plugins stop while the boot itself goes on. */
  reasonToStop = 'stop';
  readonly #around: RunAround;
  readonly #createContext: CreateContext;
  readonly #up = new Map<string, PluginLife>();
  readonly #plugins = new Map<string, Sorted>();
  /** The entries that the last launch has replaced: optional plugins that had failed, and came back. */
  readonly #replaced = new Map<string, Sorted>();
  #count = 0;
  /** The keys that plugins have for services. Made when they are first read after plugins came or went. */
  #serviceKeys: ReadonlySet<string> | undefined;

  constructor(around: RunAround, createContext: CreateContext) {
    this.#around = around;
    this.#createContext = createContext;
  }

  /** Adds the sorted plugins of a launch, after all others. */
  add(plugins: readonly Plugin[]): void {
    this.#serviceKeys = undefined;
    this.#replaced.clear();
    for (const plugin of plugins) {
      const known = this.#plugins.get(plugin.id);
      if (known) this.#replaced.set(plugin.id, known);
      // One that comes back has another place.
      this.#plugins.delete(plugin.id);
      this.#plugins.set(plugin.id, { plugin, position: this.#count });
      this.#count += 1;
    }
  }

  /** Takes the plugins of the last launch back, because it has failed. Lists those that were not there before. */
  takeBack(ids: readonly string[]): readonly string[] {
    this.forget(ids);
    return ids.filter((id) => {
      const known = this.#replaced.get(id);
      if (known) this.#plugins.set(id, known);
      return !known;
    });
  }

  /** Forgets plugins that are down for good. */
  forget(ids: readonly string[]): void {
    this.#serviceKeys = undefined;
    for (const id of ids) this.#plugins.delete(id);
  }

  /** The ids of these plugins. */
  get ids(): readonly string[] {
    return [...this.#plugins.keys()];
  }

  /** The plugins that are up, in their order. */
  listUp(): readonly Plugin[] {
    return this.list().filter(({ id }) => this.#up.has(id));
  }

  /** The plugins of this boot, up or not, in their order. */
  list(): readonly Plugin[] {
    return [...this.#plugins.values()].map(({ plugin }) => plugin);
  }

  /** Starts a plugin, as often as its `retry` allows. */
  async init(task: TaskArgs<InSlot>): Promise<InitResult> {
    const { plugin: id, slot } = task.input;
    const { plugin } = this.#find(id);
    this.#around.emit({ type: 'plugin.init.started', plugin: id, slot });
    return this.#around.telemetry.inStep('init', id, () => this.#tryInit(plugin, task));
  }

  async #tryInit(plugin: Plugin, task: Task): Promise<InitResult> {
    const { id } = plugin;
    const attempts = plugin.retry?.attempts ?? 1;
    let pauseMs = milliseconds(plugin.retry?.backoff, defaultBackoffMs);
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#attempt(plugin, task);
      if (result.status === 'done' || result.status === 'canceled') return result;
      const isLast = attempt >= attempts || task.isCanceled;
      // The handlers of a required plugin run in their turn on the way down, which begins now.
      if (isLast && isRequired(plugin)) return result;
      // Two attempts side by side would compete for the same resources.
      if (!isLast) await this.#up.get(id)?.settle?.();
      await this.#cleanUp(plugin);
      if (isLast) {
        // It may be added again, and then begins with nothing.
        this.#around.services.forget(id);
        return result;
      }
      const error = toError(result.error);
      this.#around.emit({
        type: 'plugin.init.retrying',
        plugin: id,
        attempt,
        nextInMs: pauseMs,
        error,
      });
      try {
        await sleep(this.#around.clock, pauseMs, task.signal);
      } catch {
        return { status: 'canceled' };
      }
      pauseMs = Math.min(pauseMs * 2, longestBackoffMs);
    }
  }

  async ready(task: TaskArgs<InSlot>): Promise<ReadyResult> {
    const { plugin: id, slot } = task.input;
    const { plugin } = this.#find(id);
    const life = this.#up.get(id);
    this.#around.emit({ type: 'plugin.ready.started', plugin: id, slot });
    if (task.isCanceled) return { status: 'canceled' };
    if (!plugin.ready || !life) return { status: 'done' };
    return this.#around.telemetry.inStep('ready', id, () => this.#callReady(plugin, life, task));
  }

  async #callReady(plugin: Plugin, life: PluginLife, task: Task): Promise<ReadyResult> {
    const { id } = plugin;
    const bounds = this.#bounds(plugin.timeouts?.ready, life, task);
    const result = await runBounded(() => plugin.ready?.(life.context), bounds);
    switch (result.status) {
      case 'failed':
        return { status: 'failed', error: faults.readyFailed(id, result.error) };
      case 'timeout':
        return { status: 'timeout', error: faults.readyTimedOut(id, bounds.timeoutMs) };
      default:
        return { status: result.status };
    }
  }

  /** Stops a plugin whose `init` was called, however that ended. */
  async stop({ plugin: id, slot }: InSlot): Promise<StopResult> {
    const { plugin } = this.#find(id);
    this.#around.emit({ type: 'plugin.stop.started', plugin: id, slot });
    return this.#around.telemetry.inStep('stop', id, () => this.#callStop(plugin));
  }

  async #callStop(plugin: Plugin): Promise<StopResult> {
    const { id } = plugin;
    const reason = this.#around.wayDown.reason ?? this.reasonToStop;
    const { errors, timedOut } = await this.#endLife(plugin, reason);
    this.#around.services.forget(id);
    if (timedOut) {
      return { status: 'timeout', error: faults.stopTimedOut(id, this.#stopMs(plugin), errors) };
    }
    return errors.length > 0
      ? { status: 'failed', error: faults.stopFailed(id, errors) }
      : { status: 'done' };
  }

  /** Ends every life that is left, last in, first out. */
  async endAll(): Promise<void> {
    for (const id of [...this.#up.keys()].toReversed()) await this.#cleanUp(this.#find(id).plugin);
  }

  async #attempt(plugin: Plugin, task: Task): Promise<InitResult> {
    if (task.isCanceled) return { status: 'canceled' };
    const life = new PluginLife((error) =>
      this.#log(plugin.id, error, 'a stop handler failed after its time was over'),
    );
    const bounds = this.#bounds(plugin.timeouts?.init, life, task);
    const result = await runBounded(() => {
      this.#up.set(plugin.id, life);
      life.context = this.#explain(plugin, this.#createContext(plugin, life));
      return plugin.init?.(life.context);
    }, bounds);
    switch (result.status) {
      case 'done':
        return this.#publish(plugin, life, result.value);
      case 'failed':
        return { status: 'failed', error: faults.initFailed(plugin.id, result.error) };
      case 'timeout': {
        const error = faults.initTimedOut(plugin.id, bounds.timeoutMs);
        life.cancel(error);
        life.settle = result.settle;
        return { status: 'timeout', error };
      }
      default:
        return { status: 'canceled' };
    }
  }

  /** Makes the services that `init` returned available to the plugins that need them. */
  #publish(plugin: Plugin, life: PluginLife, returned: unknown): InitResult {
    const provides = Object.entries(plugin.provides ?? {});
    let exports: Readonly<Record<string, unknown>>;
    try {
      exports = readExports(Object.keys(plugin.provides ?? {}), returned);
    } catch (thrown) {
      return { status: 'failed', error: faults.initFailed(plugin.id, thrown) };
    }
    const missing = Object.keys(exports).filter((key) => exports[key] === undefined);
    if (missing.length > 0) {
      return { status: 'failed', error: faults.notProvided(plugin.id, missing) };
    }
    const { position } = this.#find(plugin.id);
    const provider = { plugin: plugin.id, position };
    try {
      for (const [key, ref] of provides) this.#around.services.provide(provider, ref, exports[key]);
    } catch (thrown) {
      return { status: 'failed', error: faults.initFailed(plugin.id, thrown) };
    }
    life.markUp();
    if (plugin.ready) life.context = this.#explain(plugin, { ...life.context, ...exports });
    return { status: 'done' };
  }

  #explain(plugin: Plugin, context: PluginLife['context']): PluginLife['context'] {
    this.#serviceKeys ??= listServiceKeys(this.list());
    return explainUndeclared(plugin.id, context, this.#serviceKeys);
  }

  /** Releases what a failed attempt holds. */
  async #cleanUp(plugin: Plugin): Promise<void> {
    this.#around.services.withdraw(plugin.id);
    const { errors } = await this.#endLife(plugin, 'it has no further part in this boot');
    for (const error of errors) this.#log(plugin.id, error, 'a stop handler failed');
  }

  async #endLife(plugin: Plugin, reason: string) {
    const life = this.#up.get(plugin.id);
    this.#up.delete(plugin.id);
    if (!life) return { errors: [], timedOut: false };
    const { clock, cut } = this.#around;
    const deadline = deadlineAfter(clock, this.#stopMs(plugin), cut);
    try {
      const end = await life.end(reason, deadline);
      this.#warnUnreturned(plugin.id, end.unreturned);
      return end;
    } finally {
      deadline.cancel();
    }
  }

  #warnUnreturned(plugin: string, unreturned: Unreturned): void {
    const message = faults.unreturned(plugin, unreturned);
    if (message !== undefined) this.#around.emit({ type: 'boot.warning', plugin, message });
  }

  #bounds(own: Duration | undefined, life: PluginLife, task: Task) {
    const { clock, settings, cut } = this.#around;
    return {
      clock,
      task,
      onCancel: (reason: unknown) => life.cancel(reason),
      timeoutMs: milliseconds(own, settings.init.timeout),
      graceMs: settings.init.grace,
      cut,
    };
  }

  #stopMs(plugin: Plugin): number {
    return milliseconds(plugin.timeouts?.stop, this.#around.settings.stop.timeout);
  }

  #log(plugin: string, error: Error, message: string): void {
    this.#around.settings.ownLogger.error({ plugin, err: error }, message);
  }

  #find(id: string): Sorted {
    const found = this.#plugins.get(id);
    if (!found) throw new Error(`no plugin ${id} in this launch`);
    return found;
  }
}

/** Reads each export once: a getter may return another value the next time. */
function readExports(
  keys: readonly string[],
  returned: unknown,
): Readonly<Record<string, unknown>> {
  const exported = isRecord(returned) ? returned : {};
  return Object.fromEntries(keys.map((key) => [key, exported[key]]));
}

function milliseconds(own: Duration | undefined, fallback: number): number {
  return own === undefined ? fallback : toMilliseconds(own, 'timeout');
}
