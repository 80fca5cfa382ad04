import { coreServices, type AdvisoryLock, type Lifecycle } from '../../core/core-services.ts';
import { guardLogger, type Logger } from '../../core/logger.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { ScopedPool } from '../../postgres/scoped/scoped-pool.ts';
import type { RunAround } from '../around/around.ts';
import type { PluginLife } from './plugin-life.ts';

/** The resources that a plugin gets of its own. */
export interface OwnResources {
  /** The pool whose every statement runs in the plugin's schema. */
  readonly scopedPool: (plugin: string) => ScopedPool;
  /** Locks whose waiting ends with the plugin's life. */
  readonly locksFor: (life: AbortSignal) => AdvisoryLock;
}

export type PluginContext = Readonly<Record<string, unknown>>;

/**
 * Builds the argument of `init`: the dependencies by their keys, and the plugin's own database, logger, signal and onStop.
 *
 * @throws what the plugin's `database` or the function of a host service throws
 */
export function createPluginContext(
  plugin: Plugin,
  life: PluginLife,
  { services, settings }: RunAround,
  { scopedPool, locksFor }: OwnResources,
): PluginContext {
  const scoped = scopedPool(plugin.id);
  // First, because `database` may take a client and throw.
  life.lend(scoped);
  const { pool } = scoped;
  const own = {
    database: plugin.database ? plugin.database(pool) : pool,
    logger: createPluginLogger(plugin.id, settings.logger),
    signal: life.signal,
    onStop: life.onStop.bind(life),
  };
  const lifecycle: Lifecycle = { signal: own.signal, onStop: own.onStop };
  const core = new Map<string, unknown>([
    [coreServices.logger.id, own.logger],
    [coreServices.database.id, pool],
    [coreServices.advisoryLock.id, locksFor(life.signal)],
    [coreServices.lifecycle.id, lifecycle],
  ]);
  const deps = Object.entries(plugin.deps ?? {}).map(([key, ref]) => [
    key,
    core.get(ref.id) ?? services.resolve(plugin.id, ref),
  ]);
  return { ...own, ...Object.fromEntries(deps) };
}

function createPluginLogger(plugin: string, logger: Logger): Logger {
  const guarded = guardLogger(logger);
  return guarded.child?.({ plugin }) ?? guarded;
}
