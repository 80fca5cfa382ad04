import { integer, pgTable } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/node-postgres';
import { collectionRef, coreServices, definePlugin, provide, serviceRef } from '../../src/index.ts';
import type { Logger, Plugin } from '../../src/index.ts';
import { expectTypeOf } from 'vitest';
import pino from 'pino';
import type { Pool } from 'pg';

interface CatalogApi {
  find(id: number): string;
}
interface Indexer {
  index(): void;
}
interface AuthApi {
  who(): string;
}

const catalogApi = serviceRef<CatalogApi>('catalog.api');
const authApi = serviceRef<AuthApi>('auth.api');
const mailApi = serviceRef<() => void>('mail.api');
const searchIndexers = collectionRef<Indexer>('search.indexers');
const items = pgTable('items', { id: integer('id') });
declare const indexer: Indexer;

const typed = definePlugin({
  id: 'catalog',
  schemas: ['reporting'],
  deps: { auth: authApi, mailer: mailApi.optional(), all: searchIndexers },
  provides: { catalogApi },
  database: (client) => drizzle({ client, schema: { items } }),
  async init({ auth, mailer, all, database, schema, logger, signal, onStop }) {
    expectTypeOf(auth).toEqualTypeOf<AuthApi>();
    expectTypeOf(mailer).toEqualTypeOf<(() => void) | undefined>();
    expectTypeOf(all).toEqualTypeOf<readonly Indexer[]>();
    expectTypeOf(schema).toEqualTypeOf<string>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    const row = await database.query.items.findFirst();
    expectTypeOf(row).toEqualTypeOf<{ id: number | null } | undefined>();
    logger.info('typed');
    onStop(() => {});
    return { catalogApi: { find: (id) => String(id) } };
  },
  async ready({ catalogApi: own, auth, database, schema }) {
    expectTypeOf(schema).toEqualTypeOf<string>();
    expectTypeOf(own).toEqualTypeOf<CatalogApi>();
    expectTypeOf(auth).toEqualTypeOf<AuthApi>();
    await database.query.items.findMany();
  },
});

const collecting = definePlugin({
  id: 'collecting',
  provides: { searchIndexers },
  init: () => ({ searchIndexers: indexer }),
});

const bare = definePlugin({ id: 'bare' });

const plain = definePlugin({
  id: 'plain',
  init({ database }) {
    expectTypeOf(database).toEqualTypeOf<Pool>();
  },
});

const ownName = definePlugin({
  id: 'own-name',
  deps: { logger: coreServices.logger, sql: coreServices.database },
  init({ logger, sql }) {
    expectTypeOf(logger).toEqualTypeOf<Logger>();
    expectTypeOf(sql).toEqualTypeOf<Pool>();
  },
});

declare const computed: Record<string, typeof authApi>;
const dynamic = definePlugin({
  id: 'dynamic',
  deps: computed,
  init(context) {
    expectTypeOf(context['any']).toEqualTypeOf<AuthApi | undefined>();
  },
});

export const all: readonly Plugin[] = [dynamic, typed, collecting, bare, plain, ownName];
export const services = [
  provide(authApi, { who: () => 'me' }),
  provide(authApi, ({ plugin }) => ({ who: () => plugin })),
  provide(mailApi, () => () => {}),
];
export const pinoIsALogger: Logger = pino();

definePlugin({
  id: 'x',
  // @ts-expect-error a dependency key that init already has
  deps: { logger: authApi },
  init({ signal }) {
    void signal;
  },
});
// @ts-expect-error a core service under another core service's name
definePlugin({ id: 'x', deps: { database: coreServices.logger } });
// @ts-expect-error an export that init does not return
definePlugin({ id: 'x', provides: { catalogApi }, init: async () => ({}) });
// @ts-expect-error a provider without init
definePlugin({ id: 'x', provides: { catalogApi } });
definePlugin({
  id: 'x',
  deps: { auth: authApi },
  // @ts-expect-error an export under the key of a dependency
  provides: { auth: catalogApi },
  init: () => ({ auth: { find: () => '' } }),
});
definePlugin({
  id: 'x',
  provides: { catalogApi },
  // @ts-expect-error an export of the wrong type
  async init() {
    return { catalogApi: { find: () => 3 } };
  },
});
// @ts-expect-error a schema that is no list
definePlugin({ id: 'x', migrations: [], schemas: 'reporting' });
// @ts-expect-error a dependency that is no ref
definePlugin({ id: 'x', deps: { a: 3 } });
// @ts-expect-error an optional ref cannot be provided
definePlugin({ id: 'x', provides: { mail: mailApi.optional() }, init: () => ({ mail: () => {} }) });
// @ts-expect-error a host value of the wrong type
provide(authApi, { who: () => 3 });
