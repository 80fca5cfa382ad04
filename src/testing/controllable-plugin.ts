import type { Exports, InitContext, Plugin } from '../core/plugin.ts';
import type { AnyRef, ProvidableRef } from '../core/service.ts';
import { StepControl, type ControlledStep } from './controlled-step.ts';

type Facts = Omit<Plugin, 'id' | 'deps' | 'provides' | 'database' | 'register' | 'init' | 'ready'>;

/** The second argument of {@link controllablePlugin}: what `definePlugin()` takes, and the exports in place of an `init`. */
export interface ControllablePluginDefinition<
  D extends Record<string, AnyRef> = Record<never, AnyRef>,
  P extends Record<string, ProvidableRef> = Record<never, ProvidableRef>,
> extends Facts {
  /**
   * The services that the plugin needs, by the key under which `init` gets them.
   *
   * @default none
   */
  readonly deps?: D;
  /**
   * What the plugin exports, by key.
   *
   * @default none
   */
  readonly provides?: P;
  /**
   * What its `init` returns, unless the test finishes a call with other exports.
   *
   * @default none
   */
  readonly exports?: Exports<P>;
}

/** A plugin whose steps a test controls. */
export interface ControllablePlugin<
  D extends Record<string, AnyRef> = Record<never, AnyRef>,
  P extends Record<string, ProvidableRef> = Record<never, ProvidableRef>,
> {
  /** The plugin, for `createBoot()`. */
  readonly plugin: Plugin;
  /** Each attempt at its `init`. */
  readonly init: ControlledStep<InitContext<D>, Exports<P>>;
  /** Its `ready`. */
  readonly ready: ControlledStep<InitContext<D> & Exports<P>>;
  /** Its stop handler, which is there once an `init` has succeeded. */
  readonly stop: ControlledStep;
}

/**
 * Makes a plugin whose `init`, `ready` and stop go through at once, or wait until the test ends them. So a test forces any order
 * of steps without a pause.
 *
 * @example
 * const auth = controllablePlugin('auth', { provides: { authApi }, exports: { authApi: fakeAuth } });
 * auth.init.hold();
 * const started = createBoot({ pool, plugins: [auth.plugin, shop] }).start();
 * await auth.init.called; // the shop, which needs authApi, has to wait
 * auth.init.finish();
 * await started;
 */
export function controllablePlugin<
  D extends Record<string, AnyRef> = Record<never, AnyRef>,
  P extends Record<string, ProvidableRef> = Record<never, ProvidableRef>,
>(
  id: string,
  { exports, ...facts }: ControllablePluginDefinition<D, P> = {},
): ControllablePlugin<D, P> {
  const init = new StepControl<InitContext<D>, Exports<P>>(exports);
  const ready = new StepControl<InitContext<D> & Exports<P>, void>();
  const stop = new StepControl<void, void>();
  const plugin: Plugin = {
    ...facts,
    id,
    async init(given) {
      const context = given as InitContext<D>;
      const result = await init.run(context, context.signal);
      context.onStop(() => stop.run());
      return result;
    },
    ready(given) {
      const context = given as InitContext<D> & Exports<P>;
      return ready.run(context, context.signal);
    },
  };
  return Object.freeze({ plugin: Object.freeze(plugin), init, ready, stop });
}
