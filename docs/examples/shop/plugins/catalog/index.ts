import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { choiceField, fieldsOf, idOf, integerField } from '../../http/fields.ts';
import { badRequest } from '../../http/refusal.ts';
import { router } from '../../http/routes.ts';
import { auditLog } from '../audit/api.ts';
import { authApi } from '../auth/api.ts';
import { searchIndexers } from '../search/api.ts';
import { catalogApi } from './api.ts';
import { addDemoProducts } from './demo-products.ts';
import { createProducts } from './products.ts';
import { productStatus } from './schema.ts';

/** What the shop sells, and at what price. */
export const catalog = definePlugin({
  id: 'catalog',
  version: '1.4.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, auth: authApi, log: auditLog },
  provides: { api: catalogApi, indexer: searchIndexers },
  init({ routes, auth, log, database }) {
    const products = createProducts(database);

    routes.get('/products', ({ query }) => products.list(query.get('category') ?? undefined));
    routes.get('/products/:id', (request) => products.get(idOf(request)));
    routes.post('/products/:id/changes', async (request) => {
      const { id: actorId } = await auth.userWithRole(request, 'staff');
      const { body } = request;
      const change = {
        ...('priceCents' in fieldsOf(body) && { priceCents: integerField(body, 'priceCents', 0) }),
        ...('status' in fieldsOf(body) && {
          status: choiceField(body, 'status', productStatus.enumValues),
        }),
      };
      if (Object.keys(change).length === 0) throw badRequest('Expected priceCents or status');
      const product = await products.change(idOf(request), change);
      await log.record({
        action: 'catalog.changed',
        subject: `product ${product.sku}`,
        actorId,
        detail: change,
      });
      return product;
    });
    return { api: products, indexer: products.indexer };
  },
  ready: ({ database }) => addDemoProducts(database),
});
