import { optionsInvalid } from './errors.ts';
import { isInstance } from './foreign-value.ts';

declare const carries: unique symbol;

/** A name for one service of type `T`, which exactly one plugin or the host provides. */
export interface ServiceRef<T, Id extends string = string> {
  readonly kind: 'service';
  readonly id: Id;
  readonly [carries]?: (value: T) => T;
  /** The same service as a dependency that may be absent: `undefined` when it is not provided. */
  optional(): OptionalRef<T>;
}

/** A service that may be absent; made by {@link ServiceRef.optional}. */
export interface OptionalRef<T> {
  readonly kind: 'optional';
  readonly id: string;
  readonly [carries]?: (value: T) => T;
}

/** A name for a list of `T` that any number of plugins add to. */
export interface CollectionRef<T> {
  readonly kind: 'collection';
  readonly id: string;
  readonly [carries]?: (value: T) => T;
}

export type AnyRef = {
  readonly kind: 'service' | 'optional' | 'collection';
  readonly id: string;
};
export type ProvidableRef = { readonly kind: 'service' | 'collection'; readonly id: string };

/** The value that a dependency on `R` receives. */
export type Resolved<R> =
  R extends ServiceRef<infer T>
    ? T
    : R extends OptionalRef<infer T>
      ? T | undefined
      : R extends CollectionRef<infer T>
        ? readonly T[]
        : never;

/**
 * Names a service, so that one plugin can provide it and others can depend on it.
 *
 * @example export const catalogApi = serviceRef<CatalogApi>('catalog.api');
 */
export function serviceRef<T>(id: string): ServiceRef<T> {
  return namedServiceRef<T, string>(id);
}

/** {@link serviceRef} that keeps the literal type of its id, for the services Slipway itself gives. */
export function namedServiceRef<T, Id extends string>(id: Id): ServiceRef<T, Id> {
  const optional: OptionalRef<T> = Object.freeze({ kind: 'optional', id } as const);
  return Object.freeze({ kind: 'service', id, optional: () => optional } as const);
}

/**
 * Names a collection: every provider is started before the plugins that list it in `deps`, which get all items
 * in dependency order.
 *
 * @example export const searchIndexers = collectionRef<Indexer>('search.indexers');
 */
export function collectionRef<T>(id: string): CollectionRef<T> {
  return Object.freeze({ kind: 'collection', id } as const);
}

/** A service the host gives, made by {@link provide}. */
export interface HostService {
  readonly ref: ProvidableRef;
  valueFor(plugin: string): unknown;
}

type HostValue<T> = T extends (...args: never[]) => unknown
  ? (scope: { readonly plugin: string }) => T
  : T | ((scope: { readonly plugin: string }) => T);

/**
 * Gives a service of the host to the plugins: a value, or a factory. A factory is called once for each plugin that depends on
 * the service, when that plugin starts; the attempts of its `retry` get the same value. It returns the service itself,
 * and no promise; `undefined` only where the dependency is optional. A service that is itself a function is given by a factory.
 *
 * @throws BootError `OPTIONS_INVALID` when the value is `undefined` or a promise
 * @example createBoot({ pool, plugins, services: [provide(router, app), provide(audit, ({ plugin }) => auditFor(plugin))] });
 */
export function provide<T>(
  ref: ServiceRef<T> | CollectionRef<T>,
  value: NoInfer<HostValue<T>>,
): HostService {
  if (value === undefined || isInstance<Promise<unknown>>(value, Promise)) {
    throw optionsInvalid(`the value of provide() for ${ref.id}`, 'the service itself', value);
  }
  const valueFor =
    typeof value === 'function'
      ? (plugin: string): unknown => (value as (scope: { plugin: string }) => T)({ plugin })
      : (): unknown => value;
  return Object.freeze({ ref, valueFor });
}
