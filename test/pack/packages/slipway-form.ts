/** A plugin package in Slipway's own form, with no type written that the compiler can infer. */
import { collectionRef, coreServices, definePlugin, provide, serviceRef, sqlFiles } from 'slipway';
import type { InitContext } from 'slipway';

export interface CatalogApi {
  find(id: number): string;
}

export const catalogApi = serviceRef<CatalogApi>('catalog.api');
export const maybeCatalog = catalogApi.optional();
export const indexers = collectionRef<(id: number) => void>('search.indexers');
export const { logger, advisoryLock, lifecycle } = coreServices;

export const bare = definePlugin({ id: 'bare' });

export const catalog = definePlugin({
  id: 'catalog',
  version: '1.0.0',
  migrations: sqlFiles(new URL('./sql', import.meta.url)),
  deps: { locks: coreServices.advisoryLock, mailer: serviceRef<() => void>('mail').optional() },
  provides: { catalogApi, indexers },
  timeouts: { init: '5s' },
  retry: { attempts: 2 },
  init: ({ locks, mailer, onStop }) => {
    onStop(() => mailer?.());
    void locks.tryLock('catalog');
    return { catalogApi: { find: (id) => String(id) }, indexers: () => {} };
  },
});

const deps = { catalog: catalogApi };

/** A part of `init` in a function of its own. */
export const start = ({ catalog: api, logger: log }: InitContext<typeof deps>) => {
  log.info(api.find(1));
  return api;
};

export const shop = definePlugin({
  id: 'shop',
  deps,
  migrations: [{ name: '0001-init', run: (client) => client.query('SELECT 1') }],
  init: (context) => void start(context),
});

export const files = sqlFiles('/srv/sql');
export const given = provide(catalogApi, { find: () => '' });
export const givenToEach = provide(
  indexers,
  ({ plugin }) =>
    () =>
      void plugin,
);
export const plugins = [bare, catalog, shop];
// oxlint-disable-next-line import/no-default-export -- discovery takes the default export of a package
export default plugins;
