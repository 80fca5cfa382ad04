import type { MigrationSource } from '../../../core/migration-source.ts';
import type { Plugin } from '../../../core/plugin.ts';
import { collectionRef } from '../../../core/service.ts';
import type { AnyRef, CollectionRef, Resolved, ServiceRef } from '../../../core/service.ts';
import type { SafeDatabase } from '../../../postgres/scoped/scoped-database.ts';

/** The use that a plugin makes of another plugin's extension point. */
export type Contribution<T> = (point: T) => void;

/** A name for an object of type `T` that one plugin owns and others call: the collection of what they do with it. */
export type ExtensionPoint<T> = CollectionRef<Contribution<T>>;

/**
 * Names an extension point. A plugin in Slipway's own form contributes to it as to any collection, with a function.
 *
 * @example export const indexers = createExtensionPoint<{ addIndexer(indexer: Indexer): void }>('search.indexers');
 */
export function createExtensionPoint<T>(id: string): ExtensionPoint<T> {
  return collectionRef<Contribution<T>>(id);
}

/** The identity of a plugin in Checkstack's form. */
export interface PluginMetadata {
  readonly pluginId: string;
  /** Ids of earlier releases: their schema is renamed to that of `pluginId`. */
  readonly previousPluginIds?: readonly string[];
}

/** The argument of `init` and `afterPluginsReady`: the dependencies by their keys, and with a `schema` the typed database. */
export type BackendDeps<D, S> = [S] extends [Record<string, unknown>]
  ? { readonly [K in Exclude<keyof D, 'database'>]: Resolved<D[K]> } & {
      readonly database: SafeDatabase<S>;
    }
  : { readonly [K in keyof D]: Resolved<D[K]> };

/** The argument of `env.registerInit()`. */
export interface BackendInit<D, S> {
  readonly deps?: D;
  /** The plugin's tables; with it, `database` is Drizzle on the plugin's schema, relational queries included. */
  readonly schema?: S;
  /**
   * The folder that drizzle-kit or Prisma writes, a `file:` URL or an absolute path, in a discovered package also one relative to it; or
   * `sqlFiles()`; or a list of functions; or a list of these. A listed plugin without it gets no schema.
   *
   * @default in a discovered package, its folder `drizzle`
   */
  readonly migrations?: MigrationSource;
  /** Services that `init` registers: they are known before anything runs, so that plugins can depend on them. */
  readonly provides?: readonly { readonly kind: 'service'; readonly id: string }[];
  /** Runs after the `init` of everything in `deps`, and after every migration of every plugin. */
  init?(deps: BackendDeps<D, S>): void | Promise<void>;
  /** Runs after the `init` of every plugin. */
  afterPluginsReady?(deps: BackendDeps<D, S>): void | Promise<void>;
}

/** The argument of `register`. A plugin may keep things of its own on it. */
export interface BackendPluginRegistry {
  readonly pluginId: string;
  /** Says what the plugin needs and how it starts; once at most, and before `register` returns. */
  registerInit<
    D extends Record<string, AnyRef> = Record<never, AnyRef>,
    S extends Record<string, unknown> | undefined = undefined,
  >(
    init: BackendInit<D, S>,
  ): void;
  /** Provides a service. After `register` it has no effect on the order, and is a warning unless `provides` lists it. */
  registerService<T>(ref: ServiceRef<T>, service: NoInfer<T>): void;
  /** One of the services in `deps` of `registerInit`, a core service or one of its own; rejects when it is not up. */
  getService<T>(ref: ServiceRef<T>): Promise<T>;
  /** Owns an extension point; before `register` returns. Every plugin that got it there is started before this one. */
  registerExtensionPoint<T>(ref: ExtensionPoint<T>, point: NoInfer<T>): void;
  /** An object whose calls reach the extension point: those from before its owner registered it then, and in order. */
  getExtensionPoint<T>(ref: ExtensionPoint<T>): T;
  /** Adds a handler for the way down; handlers run last in, first out. */
  registerCleanup(cleanup: () => void | Promise<void>): void;
}

/** A plugin in Checkstack's form; what Slipway adds to the form stands beside it. */
export interface BackendPlugin extends Pick<
  Plugin,
  'version' | 'after' | 'required' | 'timeouts' | 'retry'
> {
  /** The id of the plugin. */
  readonly metadata: PluginMetadata;
  /** Says what the plugin is, by calls of `env`. */
  register(env: BackendPluginRegistry): void;
}

/**
 * Defines a plugin in Checkstack's form. `register` is called when a boot or a plan discovers its plugins, each time anew,
 * so it says what the plugin is and opens nothing.
 *
 * @example
 * export const catalog = createBackendPlugin({
 *   metadata: { pluginId: 'catalog' },
 *   register(env) {
 *     env.registerInit({
 *       deps: { logger: coreServices.logger },
 *       schema,
 *       migrations: new URL('../drizzle', import.meta.url),
 *       init: async ({ logger, database }) => {
 *         logger.info({ rows: await database.$count(schema.products) }, 'catalog is up');
 *       },
 *     });
 *   },
 * });
 */
export function createBackendPlugin(definition: BackendPlugin): Plugin {
  const { previousPluginIds } = definition.metadata;
  const plugin: RegisteringPlugin = {
    ...definition,
    id: definition.metadata.pluginId,
    ...(previousPluginIds && { previousIds: previousPluginIds }),
    register: (env) => definition.register(env),
  };
  return Object.freeze(plugin);
}

/** A plugin whose `register` has not been called yet: only its facts are known. */
export interface RegisteringPlugin extends Plugin {
  readonly metadata: PluginMetadata;
  readonly register: (env: BackendPluginRegistry) => unknown;
}
