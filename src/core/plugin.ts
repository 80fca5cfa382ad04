import type { Pool, PoolConfig } from 'pg';
import type { StopHandler } from './core-services.ts';
import type { Duration } from './duration.ts';
import type { Logger } from './logger.ts';
import type { MigrationSource } from './migration-source.ts';
import type { PluginTenants, Tenants } from './tenants.ts';
import type { AnyRef, CollectionRef, ProvidableRef, Resolved, ServiceRef } from './service.ts';

/** What `init` and `ready` get beside their dependencies. */
interface OwnContext<Db> {
  /** The plugin's database, whose `search_path` is the plugin's schema. */
  readonly database: Db;
  /** The name of the plugin's schema, unquoted, such as `plugin_catalog`. Only migrations make that schema. */
  readonly schema: string;
  /** The tenants of a plugin that has the option `tenants`; of another one it has none. */
  readonly tenants: PluginTenants<Db>;
  /** A child logger with `{ plugin }`. */
  readonly logger: Logger;
  /** Aborted when the plugin is to give up or to stop. */
  readonly signal: AbortSignal;
  /** Adds a handler for the way down; handlers run last in, first out. */
  readonly onStop: (handler: StopHandler) => void;
}

/** The keys of {@link OwnContext}, which no dependency and no export may take. */
export const ownKeys: ReadonlySet<string> = new Set([
  'database',
  'schema',
  'tenants',
  'logger',
  'signal',
  'onStop',
] satisfies (keyof OwnContext<unknown>)[]);

type Deps = Record<string, AnyRef>;
type Provides = Record<string, ProvidableRef>;

type Taken<Key> = `'${Key & string}' is already given to init: choose another key`;

/**
 * Refuses own keys as dependency keys; a core service may stand under its own name. A record that is made at run time has
 * no keys to look at yet: the graph does that.
 */
type FreeDeps<D> = string extends keyof D
  ? unknown
  : {
      readonly [K in keyof D & keyof OwnContext<unknown>]: D[K] extends ServiceRef<
        infer _,
        `core.${K}`
      >
        ? D[K]
        : Taken<K>;
    };

type FreeProvides<P, D> = string extends keyof P | keyof D
  ? unknown
  : {
      readonly [K in keyof P & (keyof OwnContext<unknown> | keyof D)]: Taken<K>;
    };

type Injected<D> = { readonly [K in Exclude<keyof D, keyof OwnContext<unknown>>]: Resolved<D[K]> };

/**
 * What `init` gets: each dependency under its key in `deps`, and `database`, `schema`, `tenants`, `logger`, `signal` and
 * `onStop`. For a part of `init` that is a function of its own.
 *
 * @example
 * const deps = { auth: authApi };
 * function openShop({ auth, database, onStop }: InitContext<typeof deps>) {}
 * export const shop = definePlugin({ id: 'shop', deps, init: openShop });
 */
export type InitContext<D = Record<never, AnyRef>, Db = Pool> = Injected<D> & OwnContext<Db>;

type Provided<R> = R extends ServiceRef<infer T> ? T : R extends CollectionRef<infer T> ? T : never;
/** What `init` returns, by key. */
export type Exports<P> = { readonly [K in keyof P]: Provided<P[K]> };

type InitResult<P> = [keyof P] extends [never] ? void : Exports<P>;
type InitIfProviding<P> = [keyof P] extends [never] ? unknown : { readonly init: unknown };

/** How long the steps of a plugin may take. */
interface PluginTimeouts {
  /**
   * How long `init` may take, each attempt.
   *
   * @default the option `init.timeout` of the boot
   */
  readonly init?: Duration;
  /**
   * How long `ready` may take.
   *
   * @default the option `init.timeout` of the boot
   */
  readonly ready?: Duration;
  /**
   * How long the stop handlers may take together.
   *
   * @default the option `stop.timeout` of the boot
   */
  readonly stop?: Duration;
}

/** How often `init` is tried. */
interface PluginRetry {
  /** How often `init` is tried in all, from 1 to 100. */
  readonly attempts: number;
  /**
   * The pause before the second attempt, doubled before each further one.
   *
   * @default '200ms'
   */
  readonly backoff?: Duration;
}

/** The parts of a plugin that say nothing about types. */
interface PluginFacts {
  /** Kebab-case, at most 63 bytes together with the schema prefix. */
  readonly id: string;
  /**
   * The version of the plugin, for people who read events and reports.
   *
   * @default none
   */
  readonly version?: string;
  /**
   * The folder that drizzle-kit or Prisma writes, a `file:` URL or an absolute path; or `sqlFiles()`; or a list of functions; or
   * a list of these.
   *
   * @default none: the plugin gets no schema
   */
  readonly migrations?: MigrationSource;
  /**
   * Further schemas of the plugin, by their names in the database, such as `['reporting']`: unquoted, and without the prefix. They
   * are made with the plugin's own schema, belong to it alone, and are reached by qualified names.
   *
   * @default none
   */
  readonly schemas?: readonly string[];
  /**
   * Returns the names of tenants: each of them gets a schema of its own, with all migrations of the plugin. The plugin itself has
   * no schema then, and no `database`: `init` gets one by the name of the tenant.
   *
   * @default one schema, for the plugin
   */
  readonly tenants?: Tenants;
  /**
   * Ids that the plugin had in earlier releases, in any order: a schema of such an id is renamed, with all that is in it.
   *
   * @default []
   */
  readonly previousIds?: readonly string[];
  /**
   * The connections of the plugin's `database`: a pool, a connection string or a config. A login role of its own makes a security
   * boundary. Its migrations still run on the connections of the boot. Slipway ends the pool if it has made it.
   *
   * @default the pool of the boot
   */
  readonly pool?: Pool | string | PoolConfig;
  /**
   * Plugins that come first if they are present; nothing of them is needed.
   *
   * @default []
   */
  readonly after?: readonly string[];
  /**
   * Whether the boot fails without this plugin. `false` lets it go on, degraded.
   *
   * @default true
   */
  readonly required?: boolean;
  /** How long the steps of the plugin may take. */
  readonly timeouts?: PluginTimeouts;
  /**
   * How often `init` is tried.
   *
   * @default once
   */
  readonly retry?: PluginRetry;
}

interface PluginDefinition<D, P, Db> extends PluginFacts {
  /**
   * The services that the plugin needs, by the key under which `init` gets them.
   *
   * @default {}
   */
  readonly deps?: D & FreeDeps<D>;
  /**
   * The services that the plugin offers: what `init` returns, by key.
   *
   * @default {}
   */
  readonly provides?: P & FreeProvides<P, NoInfer<D>>;
  /**
   * Makes the plugin's typed database from its scoped pool.
   *
   * @default the scoped pool itself
   */
  readonly database?: (pool: Pool) => Db;
  /**
   * Starts the plugin. Runs after the `init` of everything it depends on, and after every migration of every plugin.
   *
   * @default nothing is started
   */
  init?(context: InitContext<D, Db>): NoInfer<InitResult<P>> | Promise<NoInfer<InitResult<P>>>;
  /**
   * Runs after the `init` of every plugin.
   *
   * @default nothing
   */
  ready?(context: InitContext<D, Db> & Exports<P>): void | Promise<void>;
}

type AnyContext = Readonly<Record<string, unknown>>;

/** A plugin as the boot sees it: the definition without its types. */
export interface Plugin extends PluginFacts {
  readonly deps?: Readonly<Deps>;
  readonly provides?: Readonly<Provides>;
  readonly database?: (pool: Pool) => unknown;
  /** Says when a boot begins what else the plugin is; made by `createBackendPlugin()`. */
  readonly register?: (env: never) => unknown;
  init?(context: AnyContext): unknown;
  ready?(context: AnyContext): unknown;
}

/**
 * Defines a plugin. It is plain data: nothing runs until the boot, and the whole graph is known before.
 *
 * @example
 * export const catalog = definePlugin({
 *   id: 'catalog',
 *   migrations: new URL('./drizzle', import.meta.url),
 *   deps: { auth: authApi, mailer: mailApi.optional() },
 *   provides: { catalogApi },
 *   async init({ auth, mailer, database, onStop }) {
 *     const api = createCatalog(database, auth, mailer);
 *     onStop(() => api.close());
 *     return { catalogApi: api };
 *   },
 * });
 */
export function definePlugin<
  D extends Deps = Record<never, AnyRef>,
  P extends Provides = Record<never, ProvidableRef>,
  Db = Pool,
>(definition: PluginDefinition<D, P, Db> & InitIfProviding<NoInfer<P>>): Plugin {
  return Object.freeze({ ...definition }) as unknown as Plugin;
}

/** Whether the boot can go on without this plugin. */
export function isRequired(plugin: Plugin): boolean {
  return plugin.required !== false;
}
