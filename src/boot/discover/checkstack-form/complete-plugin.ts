import { coreServices } from '../../../core/core-services.ts';
import { BootError } from '../../../core/errors.ts';
import { readMessage } from '../../../core/foreign-value.ts';
import type { MigrationSource } from '../../../core/migration-source.ts';
import { checkPlugin } from '../../../core/plugin-check.ts';
import type { InitContext, Plugin } from '../../../core/plugin.ts';
import { listNames } from '../../../core/printable.ts';
import type { AnyRef, ProvidableRef } from '../../../core/service.ts';
import type * as ScopedDatabase from '../../../postgres/scoped/scoped-database.ts';
import type { Contribution, RegisteringPlugin } from './backend-plugin.ts';
import type { AnyInit, Registration } from './registration.ts';

type Context = InitContext<Record<never, AnyRef>, unknown> & Readonly<Record<string, unknown>>;

/** Keys in a plugin's context: what plugins name themselves can clash neither with each other nor with Slipway's. */
const keys = {
  dep: (key: string) => `dep ${key}`,
  core: (id: string) => `core ${id}`,
  service: (id: string) => `service ${id}`,
  contribution: (id: string) => `contribution ${id}`,
  contributions: (id: string) => `contributions ${id}`,
} as const;

export type OpenDrizzle = (typeof ScopedDatabase)['openDrizzle'];

/**
 * Writes down as data what a plugin has registered: services and what it does with extension points of others as `provides`,
 * its own extension points as collections that it depends on.
 *
 * @throws BootError `PLUGIN_INVALID`
 */
export function completePlugin(
  plugin: RegisteringPlugin,
  registration: Registration,
  migrations: MigrationSource | undefined,
  openDrizzle: OpenDrizzle,
): Plugin {
  const { init: told, ownPoints, contributions } = registration;
  const { deps = {}, schema } = told;
  const provided = listServices(registration);
  const takeContributions = contributionTaker(registration);
  const { register: isDone, ...facts } = plugin;
  void isDone;
  const completed: Plugin = {
    ...facts,
    ...(migrations && { migrations }),
    ...(schema && { database: (pool) => openDrizzle(pool, schema) }),
    deps: {
      ...named(Object.entries(deps), ([key, ref]) => [keys.dep(key), ref]),
      ...named(Object.values(coreServices), (ref) => [keys.core(ref.id), ref]),
      ...named(ownPoints.values(), ({ ref }) => [keys.contributions(ref.id), ref]),
    },
    provides: {
      ...named(provided, (ref) => [keys.service(ref.id), ref]),
      ...named(contributions, ({ ref }) => [keys.contribution(ref.id), ref]),
    },
    async init(given) {
      const context = given as Context;
      const life = { onStop: context.onStop, core: (id: string) => context[keys.core(id)] };
      const services = await registration.duringInit(life, () => {
        takeContributions(context);
        return told.init?.(pickDeps(told, context));
      });
      refuseMissing(plugin.id, provided, services);
      return {
        ...named(services, ([id, service]) => [keys.service(id), service]),
        ...named(contributions, ({ ref, contribute }) => [keys.contribution(ref.id), contribute]),
      };
    },
    ready: (given) => told.afterPluginsReady?.(pickDeps(told, given as Context)),
  };
  checkAsWritten(plugin, told);
  return checkPlugin(completed, plugin.id);
}

/** Its own words are checked under its own keys. */
function checkAsWritten({ id }: Plugin, told: AnyInit): void {
  const hooks = { init: Reflect.get(told, 'init'), ready: Reflect.get(told, 'afterPluginsReady') };
  checkPlugin({ id, deps: told.deps, ...hooks }, id);
}

function listServices({ init, services }: Registration): readonly ProvidableRef[] {
  const registered = [...services.values()].map(({ ref }) => ref);
  return [...(init.provides ?? []), ...registered.filter(({ id }) => !isListed(init, id))];
}

function isListed({ provides = [] }: AnyInit, id: string): boolean {
  return provides.some((ref) => ref.id === id);
}

/** The argument of `init` and `afterPluginsReady`: their types stand in `registerInit`. */
function pickDeps({ deps = {}, schema }: AnyInit, context: Context): never {
  const own = named(Object.keys(deps), (key) => [key, context[keys.dep(key)]]);
  return { ...own, ...(schema && { database: context.database }) } as never;
}

/** A second attempt to init finds in its extension points what the first has put there. */
function contributionTaker({ ownPoints }: Registration): (context: Context) => void {
  const taken = new Set<unknown>();
  return (context) => {
    for (const { ref, point } of ownPoints.values()) {
      for (const contribute of context[keys.contributions(ref.id)] as Contribution<unknown>[]) {
        if (taken.has(contribute)) continue;
        taken.add(contribute);
        try {
          contribute(point);
        } catch (thrown) {
          const message = `a contribution to ${ref.id} failed: ${readMessage(thrown)}`;
          throw new Error(message, { cause: thrown });
        }
      }
    }
  };
}

function refuseMissing(
  plugin: string,
  provided: readonly ProvidableRef[],
  services: ReadonlyMap<string, unknown>,
): void {
  const missing = provided.filter(({ id }) => services.get(id) === undefined);
  if (missing.length === 0) return;
  const list = listNames(missing.map(({ id }) => id));
  throw new BootError(
    'INIT_SERVICE_NOT_PROVIDED',
    `init of ${plugin} registered no ${list}, which the plugin provides`,
    {
      plugin,
      phase: 'initAll',
      hint: `Call env.registerService() for ${list} before init ends, or remove it from provides.`,
    },
  );
}

function named<Item, Value>(
  items: Iterable<Item>,
  toEntry: (item: Item) => readonly [string, Value],
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Array.from(items, toEntry));
}
