import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { expectTypeOf } from 'vitest';
import type { Pool } from 'pg';
import { collectionRef, coreServices, definePlugin } from '../../src/index.ts';
import {
  createBackendPlugin,
  createExtensionPoint,
  createScopedDb,
  createServiceRef,
} from '../../src/checkstack.ts';
import type { AdvisoryLock, Lifecycle, Logger, OnceResult, Plugin } from '../../src/index.ts';
import type { BackendPluginRegistry, SafeDatabase } from '../../src/checkstack.ts';

interface CatalogApi {
  find(id: number): string;
}
interface ChannelPoint {
  addChannel<T>(channel: T, open: (channel: T) => void): void;
}

const catalogApi = createServiceRef<CatalogApi>('catalog.api');
const channels = createExtensionPoint<ChannelPoint>('channels');
const names = collectionRef<string>('names');
const items = pgTable('items', { id: integer('id'), name: text('name') });
const schema = { items };

export const typed: Plugin = createBackendPlugin({
  metadata: { pluginId: 'typed', previousPluginIds: ['before'] },
  required: false,
  register(env) {
    expectTypeOf(env.pluginId).toEqualTypeOf<string>();
    env.getExtensionPoint(channels).addChannel({ any: 'thing' }, ({ any }) => void any.length);
    env.registerExtensionPoint(channels, { addChannel: () => {} });
    env.registerService(catalogApi, { find: (id) => String(id) });
    env.registerCleanup(async () => {});
    env.registerInit({
      schema,
      migrations: new URL('./drizzle', import.meta.url),
      provides: [catalogApi],
      deps: {
        logger: coreServices.logger,
        catalog: catalogApi,
        maybe: catalogApi.optional(),
        names,
        locks: coreServices.advisoryLock,
        life: coreServices.lifecycle,
      },
      init: async ({ logger, catalog, maybe, names: all, locks, life, database }) => {
        expectTypeOf(logger).toEqualTypeOf<Logger>();
        expectTypeOf(catalog).toEqualTypeOf<CatalogApi>();
        expectTypeOf(maybe).toEqualTypeOf<CatalogApi | undefined>();
        expectTypeOf(all).toEqualTypeOf<readonly string[]>();
        expectTypeOf(locks).toEqualTypeOf<AdvisoryLock>();
        expectTypeOf(life).toEqualTypeOf<Lifecycle>();
        expectTypeOf(database).toEqualTypeOf<SafeDatabase<typeof schema>>();
        const row = await database.query.items.findFirst();
        expectTypeOf(row).toEqualTypeOf<{ id: number | null; name: string | null } | undefined>();
        expectTypeOf(await locks.withLock('key', () => 7)).toEqualTypeOf<number>();
        const once = await locks.runOnce('key', () => Promise.resolve(7), { remember: '1h' });
        expectTypeOf(once).toEqualTypeOf<OnceResult<number>>();
        // @ts-expect-error: only a run that happened here has a value.
        void once.value;
        if (once.outcome === 'ran') expectTypeOf(once.value).toEqualTypeOf<number>();
        else expectTypeOf(once.outcome).toEqualTypeOf<'waited' | 'skipped' | 'remembered'>();
        // @ts-expect-error: there is no such way to deal with others.
        void locks.runOnce('key', () => 7, { others: 'leave' });
        expectTypeOf(await env.getService(catalogApi)).toEqualTypeOf<CatalogApi>();
      },
      afterPluginsReady: async ({ database, catalog }) => {
        expectTypeOf(catalog).toEqualTypeOf<CatalogApi>();
        await database.select().from(items);
      },
    });
  },
});

/** An owner and a contributor in the other form. */
export const others: readonly Plugin[] = [
  definePlugin({
    id: 'contributor',
    provides: { channels },
    init: () => ({ channels: (point) => point.addChannel(1, () => {}) }),
  }),
  definePlugin({
    id: 'owner',
    deps: { channels },
    init({ channels: all }) {
      expectTypeOf(all).toEqualTypeOf<readonly ((point: ChannelPoint) => void)[]>();
    },
  }),
];

declare const env: BackendPluginRegistry;
env.registerInit({
  deps: { database: coreServices.database },
  init: ({ database }) => {
    expectTypeOf(database).toEqualTypeOf<Pool>();
  },
});
env.registerInit({
  deps: {},
  // @ts-expect-error no schema, no database
  init: ({ database }) => void database,
});
env.registerInit({
  deps: { catalog: catalogApi },
  // @ts-expect-error there is no event bus: onHook is none of what it gets
  afterPluginsReady: ({ onHook }) => void onHook,
});
// @ts-expect-error a dependency that is no ref
env.registerInit({ deps: { a: 3 } });
// @ts-expect-error a collection is no service that init registers
env.registerInit({ provides: [names] });
// @ts-expect-error a service of the wrong type
env.registerService(catalogApi, { find: () => 3 });
// @ts-expect-error an extension point of the wrong type
env.registerExtensionPoint(channels, {});
// @ts-expect-error a plugin needs an id
createBackendPlugin({ metadata: {}, register: () => {} });

declare const base: { readonly $client: Pool };
expectTypeOf(createScopedDb(base, 'plugin_x', { schema })).toEqualTypeOf<
  SafeDatabase<typeof schema>
>();
// @ts-expect-error relational queries need the schema
void createScopedDb<typeof schema>(base, 'plugin_x').query;
