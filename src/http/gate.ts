import type { Duration } from '../core/duration.ts';
import { optionsInvalid } from '../core/errors.ts';
import { duration, group, maybe, type Check } from '../core/expect.ts';
import { answer, readPath, type FrontHandler, type RequestHead } from './front-handler.ts';
import { chooseCode, isComingUp, pluginNotUp, type Observed } from './standing.ts';

/** Finds the plugin of a request: its id, or `undefined` when the request belongs to no plugin. */
export type PluginOf = (request: RequestHead) => string | undefined;

/** The options of {@link gate}. */
export interface GateOptions {
  /**
   * Where the plugins' routes are: `'/api/'` when the plugin's id follows it in the path, or a function.
   *
   * @default no request belongs to a plugin
   */
  readonly pluginOf?: string | PluginOf;
  /**
   * The value of `Retry-After`, rounded up to whole seconds, at least one.
   *
   * @default '5s'
   */
  readonly retryAfter?: Duration;
}

const pluginFinder: Check<PluginOf> = (value, name) => {
  if (typeof value === 'function') return value as PluginOf;
  if (typeof value === 'string' && /^\/([^?#]*\/)?$/.test(value)) return pluginAfter(value);
  throw optionsInvalid(name, "a function, or a path that begins and ends with '/'", value);
};

const checkOptions = group({
  pluginOf: [maybe(pluginFinder), undefined],
  retryAfter: [duration, '5s'],
});

/**
 * Makes a handler that goes before the application. It answers 503 with a code, progress and `Retry-After` until everything
 * is up, and again when the boot stops; while a drain runs, requests still pass. A request for a known plugin that is not
 * up gets that plugin's state, never a 404, and never waits: `PLUGIN_NOT_UP`, or `STARTING` while `boot.add()` brings it up.
 *
 * @throws BootError `OPTIONS_INVALID`
 * @example gate(boot, { pluginOf: '/api/' }) // GET /api/catalog/products belongs to the plugin catalog
 */
export function gate(boot: Observed, options: GateOptions = {}): FrontHandler {
  const { pluginOf, retryAfter } = checkOptions(options, 'gate');
  const retry = { 'retry-after': String(Math.max(1, Math.ceil(retryAfter / 1_000))) };

  return (request) => {
    const state = boot.state();
    const isOpen = state.phase === 'ready';
    if (isOpen && pluginOf === undefined) return undefined;
    const id = pluginOf?.(request);
    const plugin = id === undefined ? undefined : pluginNotUp(state, id);
    if (isOpen && plugin && state.launch && isComingUp(state, plugin)) {
      const { phase, settled, total } = state.launch;
      return answer(request, 'STARTING', {
        status: 503,
        fields: { phase, settled, total, plugin },
        headers: retry,
      });
    }
    if (isOpen) {
      // Without Retry-After: only the host can bring the plugin back, and it may never do so.
      return plugin && answer(request, 'PLUGIN_NOT_UP', { status: 503, fields: { plugin } });
    }
    const code = chooseCode(state);
    // The gate answers the public, so it shows the progress, and neither what runs nor the holder of a lock.
    const { phase, settled, total } = state;
    const close = code === 'STOPPING' ? { connection: 'close' } : {};
    return answer(request, code, {
      status: 503,
      fields: { phase, settled, total, ...(plugin ? { plugin } : {}) },
      headers: { ...retry, ...close },
    });
  };
}

function pluginAfter(prefix: string): PluginOf {
  return ({ url }) => {
    const path = readPath(url);
    if (!path.startsWith(prefix)) return undefined;
    const [segment] = path.slice(prefix.length).split('/', 1);
    return segment || undefined;
  };
}
