import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { router } from '../../http/routes.ts';
import { startWorker } from '../../worker.ts';
import { searchIndexers } from './api.ts';
import { createSearchIndex } from './search-index.ts';

/** Finds things; a shop without it still sells. */
export const search = definePlugin({
  id: 'search',
  version: '0.9.0',
  required: false,
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, indexers: searchIndexers },
  init({ routes, indexers, database, logger, onStop }) {
    const index = createSearchIndex(database, indexers);
    const worker = startWorker(() => index.refresh(), {
      name: 'refreshing the search index',
      everyMs: 1_000,
      logger,
    });
    onStop(() => worker.stop());

    routes.get('/documents', ({ query }) => index.find(query.get('q') ?? ''));
  },
});
