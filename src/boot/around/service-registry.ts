import { problem } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import type { AnyRef, HostService, Resolved } from '../../core/service.ts';

/** Looks services up from outside of the plugins. */
export interface Services {
  /**
   * The service that a plugin or the host provides; for a collection all items so far, in dependency order.
   *
   * @throws BootError `SERVICE_MISSING` when it is not up (an optional ref gives `undefined` instead).
   */
  get<R extends AnyRef>(ref: R): Resolved<R>;
}

interface Contribution {
  readonly position: number;
  readonly value: unknown;
}

const noPlugin = '';

/** Holds the services that the plugins and the host have provided so far. */
export class ServiceRegistry implements Services {
  readonly #host: readonly HostService[];
  readonly #services = new Map<string, unknown>();
  readonly #collections = new Map<string, Contribution[]>();

  constructor(host: readonly HostService[]) {
    this.#host = host;
  }

  get<R extends AnyRef>(ref: R): Resolved<R> {
    const found = this.#find(ref, noPlugin);
    if (found === undefined && ref.kind === 'service') throw notUp(ref.id);
    return found as Resolved<R>;
  }

  /** Finds the value that a plugin gets for one of its dependencies. */
  resolve(plugin: string, ref: AnyRef): unknown {
    return this.#find(ref, plugin);
  }

  /** @param position The plugin's place in the order, which is the order of every collection. */
  provide(position: number, ref: AnyRef, value: unknown): void {
    if (ref.kind !== 'collection') {
      this.#services.set(ref.id, value);
      return;
    }
    const items = this.#collections.get(ref.id) ?? [];
    this.#collections.set(
      ref.id,
      [...items, { position, value }].toSorted((a, b) => a.position - b.position),
    );
  }

  #find({ kind, id }: AnyRef, plugin: string): unknown {
    const ofHost = this.#host.filter(({ ref }) => ref.id === id);
    if (kind !== 'collection') return ofHost[0]?.valueFor(plugin) ?? this.#services.get(id);
    const items = (this.#collections.get(id) ?? []).map(({ value }) => value);
    return Object.freeze([...ofHost.map((service) => service.valueFor(plugin)), ...items]);
  }
}

function notUp(id: string): BootError {
  const { code, message, hint } = problem('SERVICE_MISSING', `${id} is not up`, {
    hint: 'Ask for it after start() has resolved, or look in the report why its plugin did not start.',
  });
  return new BootError(code, message, { hint });
}
