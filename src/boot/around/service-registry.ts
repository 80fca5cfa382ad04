import { coreServiceIds } from '../../core/core-services.ts';
import { problem } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import { hearRejection, isInstance, readMessage } from '../../core/foreign-value.ts';
import type { AnyRef, HostService, ProvidableRef, Resolved } from '../../core/service.ts';

/** Looks services up from outside of the plugins. */
export interface Services {
  /**
   * The service that a plugin or the host provides; for a collection all items so far, in dependency order. A factory of the
   * host is called once for the host itself, as `{ plugin: 'host' }`.
   *
   * @throws BootError `SERVICE_MISSING` when it is not up (an optional ref gives `undefined` instead).
   */
  get<R extends AnyRef>(ref: R): Resolved<R>;
}

/** A plugin that provides something. */
interface Provider {
  readonly plugin: string;
  /** Its place in the order, which is the order of every collection. */
  readonly position: number;
}

/** What a plugin provides. */
interface Provided extends Provider {
  readonly value: unknown;
}

/** The caller: the id of a plugin, or the host. */
type Asker = string | typeof theHost;
const theHost = Symbol('the host');

/** Holds the services that the plugins and the host have provided so far. */
export class ServiceRegistry implements Services {
  readonly #host: readonly HostService[];
  /** The values of the host's factories, which are called once for each plugin. */
  readonly #made = new Map<Asker, Map<HostService, unknown>>();
  readonly #services = new Map<string, Provided>();
  readonly #collections = new Map<string, readonly Provided[]>();

  constructor(host: readonly HostService[]) {
    this.#host = host;
  }

  get<R extends AnyRef>(ref: R): Resolved<R> {
    const found = this.#find(ref, theHost);
    if (found === undefined && ref.kind === 'service') throw notUp(ref.id);
    return found as Resolved<R>;
  }

  /**
   * Finds the value that a plugin gets for one of its dependencies; `undefined` when it is not up.
   *
   * @throws BootError `INIT_FAILED` when a factory of the host fails
   */
  resolve(plugin: string, ref: AnyRef): unknown {
    return this.#find(ref, plugin);
  }

  /**
   * @throws BootError `SERVICE_DUPLICATE` when there is another provider, which only a service that is not listed in
   * `provides` can have: the graph knows all others.
   */
  provide({ plugin, position }: Provider, ref: ProvidableRef, value: unknown): void {
    const provided = { plugin, position, value };
    if (ref.kind === 'service') {
      const rival = this.#findRival(plugin, ref.id);
      if (rival !== undefined) throw duplicate(ref.id, rival, plugin);
      this.#services.set(ref.id, provided);
      return;
    }
    const items = this.#collections.get(ref.id) ?? [];
    this.#collections.set(
      ref.id,
      [...items, provided].toSorted((a, b) => a.position - b.position),
    );
  }

  /** Takes back everything that a plugin provides, and what factories made for it. Plugins that have got a service keep it. */
  withdraw(plugin: string): void {
    for (const [id, { plugin: owner }] of this.#services) {
      if (owner === plugin) this.#services.delete(id);
    }
    for (const [id, items] of this.#collections) {
      const left = items.filter((item) => item.plugin !== plugin);
      if (left.length < items.length) this.#collections.set(id, left);
    }
  }

  /** Forgets a plugin that is down for good: one that comes back gets new values of the host's factories. */
  forget(plugin: string): void {
    this.withdraw(plugin);
    this.#made.delete(plugin);
  }

  #findRival(plugin: string, id: string): string | undefined {
    if (coreServiceIds.has(id)) return 'slipway';
    if (this.#host.some(({ ref }) => ref.id === id)) return 'the host';
    const known = this.#services.get(id)?.plugin;
    return known === plugin ? undefined : known;
  }

  #find({ kind, id }: AnyRef, asker: Asker): unknown {
    const isCollection = kind === 'collection';
    const ofHost = this.#host
      .filter(({ ref }) => ref.id === id && (ref.kind === 'collection') === isCollection)
      .map((service) => this.#make(service, asker, kind));
    if (!isCollection) return ofHost.length > 0 ? ofHost[0] : this.#services.get(id)?.value;
    const items = (this.#collections.get(id) ?? []).map(({ value }) => value);
    return Object.freeze([...ofHost, ...items]);
  }

  #make(service: HostService, asker: Asker, kind: AnyRef['kind']): unknown {
    const made = this.#made.get(asker) ?? new Map<HostService, unknown>();
    this.#made.set(asker, made);
    // Kept only when the factory has succeeded, so that another attempt to start the plugin calls it again.
    if (!made.has(service)) made.set(service, callFactory(service, asker));
    const value = made.get(service);
    if (value !== undefined || kind === 'optional') return value;
    throw factoryFailed(service, asker, 'returned undefined', {
      hint: 'Return the service, or make the dependency .optional().',
    });
  }
}

function callFactory(service: HostService, asker: Asker): unknown {
  let value: unknown;
  try {
    value = service.valueFor(asker === theHost ? 'host' : asker);
  } catch (cause) {
    const hint = 'Look at the cause. The factory is in the option services of createBoot().';
    throw factoryFailed(service, asker, `threw: ${readMessage(cause)}`, { cause, hint });
  }
  if (!isInstance(value, Promise)) return value;
  hearRejection(value, () => undefined);
  throw factoryFailed(service, asker, 'returned a promise', {
    hint: 'Await it before createBoot(), or provide the service from a plugin, whose init may be async.',
  });
}

function factoryFailed(
  { ref }: HostService,
  asker: Asker,
  fault: string,
  facts: { readonly hint: string; readonly cause?: unknown },
): BootError {
  const message = `the host's factory for ${ref.id} ${fault}`;
  if (asker === theHost) {
    return new BootError('SERVICE_MISSING', `${ref.id} is not up: ${message}`, facts);
  }
  return new BootError('INIT_FAILED', `${asker} failed to start: ${message}`, {
    ...facts,
    plugin: asker,
    phase: 'initAll',
  });
}

function duplicate(id: string, rival: string, plugin: string): BootError {
  const message = `${id} is provided by ${rival} and ${plugin}`;
  return new BootError('SERVICE_DUPLICATE', message, { plugin, phase: 'initAll' });
}

/** Makes the error for a service that nothing provides, or whose provider has not started. */
export function notUp(id: string): BootError {
  const { code, message, hint } = problem('SERVICE_MISSING', `${id} is not up`, {
    hint: 'Ask for it after start() has resolved, or look in the report why its plugin did not start.',
  });
  return new BootError(code, message, { hint });
}
