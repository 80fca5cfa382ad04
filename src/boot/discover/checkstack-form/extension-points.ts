import { readMessage } from '../../../core/foreign-value.ts';
import { BootError } from '../../../core/errors.ts';

interface Call {
  readonly plugin: string;
  readonly method: PropertyKey;
  readonly args: readonly unknown[];
}

/** The extension points of one boot, each by its id. */
export class ExtensionPoints {
  readonly #points = new Map<string, BufferedPoint>();

  get(id: string): BufferedPoint {
    const known = this.#points.get(id) ?? new BufferedPoint(id);
    this.#points.set(id, known);
    return known;
  }
}

/** Calls of plugins that come before the owner has registered the point are kept, and reach it in order when it is opened. */
class BufferedPoint {
  /** The id of the plugin that has registered it. */
  owner: string | undefined;
  readonly #id: string;
  readonly #waiting: Call[] = [];
  #object: object | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  /** Gives the point its owner's object; a second call changes nothing. */
  open(object: object): void {
    if (this.#object) return;
    this.#object = object;
    for (const call of this.#waiting.splice(0)) this.#deliver(object, call);
  }

  /** Makes the point as a contributor sees it. */
  createProxy(plugin: string): object {
    return new Proxy(Object.create(null) as object, {
      get: (_, method) => {
        // Awaited or printed, the proxy must not look like a promise, nor buffer what the runtime asks of any object.
        if (typeof method === 'symbol' || method === 'then') return undefined;
        const known: unknown = this.#object && Reflect.get(this.#object, method);
        if (known !== undefined && typeof known !== 'function') return known;
        // A method may be taken off before the point is open and called after.
        return (...args: unknown[]) => this.#call({ plugin, method, args });
      },
    });
  }

  #call(call: Call): unknown {
    if (this.#object) return this.#apply(this.#object, call);
    this.#waiting.push(call);
    return undefined;
  }

  #apply(object: object, { plugin, method, args }: Call): unknown {
    const known: unknown = Reflect.get(object, method);
    if (typeof known === 'function') return Reflect.apply(known, object, args) as unknown;
    throw new TypeError(`${plugin} calls ${String(method)}(), which ${this.#id} does not have`);
  }

  /** The caller is long gone, so that its error comes up at the owner: it says whose it is. */
  #deliver(object: object, call: Call): void {
    try {
      this.#apply(object, call);
    } catch (thrown) {
      const { plugin, method } = call;
      throw new BootError(
        'PLUGIN_INVALID',
        `${plugin} called ${String(method)}() of the extension point ${this.#id}: ${readMessage(thrown)}`,
        { plugin, cause: thrown, hint: 'Look at the cause.' },
      );
    }
  }
}
