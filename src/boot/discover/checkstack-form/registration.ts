import { coreServiceIds } from '../../../core/core-services.ts';
import { BootError } from '../../../core/errors.ts';
import type { StopHandler } from '../../../core/core-services.ts';
import type { Logger } from '../../../core/logger.ts';
import type { AnyRef, ProvidableRef } from '../../../core/service.ts';
import { undeclared } from '../../../core/undeclared.ts';
import { notUp, type ServiceRegistry } from '../../around/service-registry.ts';
import type { BackendInit, BackendPluginRegistry, Contribution } from './backend-plugin.ts';
import type { ExtensionPoints } from './extension-points.ts';

/** The argument of `registerInit`, without its types. */
export type AnyInit = BackendInit<Record<string, AnyRef>, Record<string, unknown> | undefined>;

/** The context of a plugin that is being started, or is up. */
interface RegisteredLife {
  readonly onStop: (handler: StopHandler) => void;
  /** One of the core services, by its id. */
  readonly core: (id: string) => unknown;
}

/** The calls of a plugin on an extension point of another. */
interface RegisteredContribution {
  readonly ref: ProvidableRef;
  readonly contribute: Contribution<unknown>;
}

/**
 * The registrations of one plugin, in one boot. `register` writes it through `env`; once it is closed, only what needs no place in
 * the graph can follow.
 */
export class Registration {
  readonly env: BackendPluginRegistry;
  readonly services = new Map<string, { readonly ref: ProvidableRef; readonly value: unknown }>();
  readonly ownPoints = new Map<string, { readonly ref: ProvidableRef; readonly point: unknown }>();
  readonly #usedPoints = new Map<string, ProvidableRef>();
  readonly #cleanups: StopHandler[] = [];
  readonly #plugin: string;
  readonly #points: ExtensionPoints;
  readonly #services: ServiceRegistry;
  readonly #logger: Logger;
  #init: AnyInit | undefined;
  #isClosed = false;
  #life: RegisteredLife | undefined;
  /** The services of the attempt to init that is running. */
  #exports: Map<string, unknown> | undefined;

  constructor(plugin: string, points: ExtensionPoints, services: ServiceRegistry, logger: Logger) {
    this.#plugin = plugin;
    this.#points = points;
    this.#services = services;
    this.#logger = logger;
    // Not frozen: plugins keep things of their own on it, from register to afterPluginsReady.
    this.env = {
      pluginId: plugin,
      registerInit: (init) => this.#registerInit(init as unknown as AnyInit),
      registerService: (ref, service) => this.#registerService(ref, service),
      getService: async (ref) => (await this.#getService(ref)) as never,
      registerExtensionPoint: (ref, point) => this.#registerPoint(ref, point),
      getExtensionPoint: (ref) => this.#usePoint(ref) as never,
      registerCleanup: (cleanup) => this.#registerCleanup(cleanup),
    };
  }

  get init(): AnyInit {
    return this.#init ?? {};
  }

  /** A plugin that uses an extension point of its own contributes to no other plugin. */
  get contributions(): readonly RegisteredContribution[] {
    return [...this.#usedPoints.values()]
      .filter(({ id }) => !this.ownPoints.has(id))
      .map((ref) => ({
        ref,
        contribute: (point) => this.#points.get(ref.id).open(point as object),
      }));
  }

  /** `register` has returned: the graph is made of what there is now. */
  close(): void {
    this.#isClosed = true;
  }

  /** Runs `init` with whatever it registers, and returns the services by id. */
  async duringInit(
    life: RegisteredLife,
    init: () => unknown,
  ): Promise<ReadonlyMap<string, unknown>> {
    this.#life = life;
    for (const cleanup of this.#cleanups) life.onStop(cleanup);
    const exports = new Map([...this.services].map(([id, { value }]) => [id, value]));
    this.#exports = exports;
    try {
      await init();
    } finally {
      this.#exports = undefined;
    }
    return exports;
  }

  #registerInit(init: AnyInit): void {
    this.#refuseWhenClosed('registerInit');
    if (this.#init) throw this.#invalid('calls registerInit() twice', 'Put both into one init.');
    this.#init = init;
  }

  #registerService(ref: ProvidableRef, value: unknown): void {
    if (!this.#isClosed) {
      this.services.set(ref.id, { ref, value });
    } else if (this.#exports && this.init.provides?.some(({ id }) => id === ref.id)) {
      this.#exports.set(ref.id, value);
    } else {
      this.#services.provide({ plugin: this.#plugin, position: 0 }, ref, value);
      this.#warn(
        `${ref.id} was registered after register() had returned, so it orders no plugin: list it in provides of registerInit()`,
      );
    }
  }

  async #getService(ref: AnyRef): Promise<unknown> {
    // A call in register() may come before that of registerInit(), which has the deps.
    await Promise.resolve();
    if (coreServiceIds.has(ref.id)) {
      if (this.#life) return this.#life.core(ref.id);
    } else if (!this.#isDeclared(ref.id)) {
      throw undeclared(this.#plugin, ref.id);
    }
    const found = this.#services.resolve(this.#plugin, ref);
    if (found === undefined && ref.kind === 'service') throw notUp(ref.id);
    return found;
  }

  #isDeclared(id: string): boolean {
    const { deps = {}, provides = [] } = this.init;
    const refs: readonly AnyRef[] = [...Object.values(deps), ...provides];
    return this.services.has(id) || refs.some((ref) => ref.id === id);
  }

  #registerPoint(ref: ProvidableRef, point: unknown): void {
    this.#refuseWhenClosed('registerExtensionPoint');
    const known = this.#points.get(ref.id);
    if (known.owner !== undefined) {
      throw this.#invalid(
        `registers the extension point ${ref.id}, which ${known.owner} owns`,
        'Keep one owner. The other plugins contribute with getExtensionPoint().',
      );
    }
    known.owner = this.#plugin;
    this.ownPoints.set(ref.id, { ref, point });
    known.open(point as object);
  }

  #usePoint(ref: ProvidableRef): object {
    if (!this.#isClosed) {
      this.#usedPoints.set(ref.id, ref);
    } else if (this.#exports && !this.#usedPoints.has(ref.id)) {
      this.#usedPoints.set(ref.id, ref);
      this.#warn(
        `${ref.id} was first requested in init, so its owner may start before it has every contribution: call getExtensionPoint() in register()`,
      );
    }
    return this.#points.get(ref.id).createProxy(this.#plugin);
  }

  #registerCleanup(cleanup: StopHandler): void {
    if (this.#life) this.#life.onStop(cleanup);
    else this.#cleanups.push(cleanup);
  }

  #refuseWhenClosed(method: string): void {
    if (!this.#isClosed) return;
    throw this.#invalid(
      `calls ${method}() after register() has returned`,
      'Call it in register(), before anything is awaited.',
    );
  }

  #warn(message: string): void {
    this.#logger.warn({ plugin: this.#plugin }, message);
  }

  #invalid(fault: string, hint: string): BootError {
    const message = `${this.#plugin} ${fault}`;
    return new BootError('PLUGIN_INVALID', message, { plugin: this.#plugin, hint });
  }
}
