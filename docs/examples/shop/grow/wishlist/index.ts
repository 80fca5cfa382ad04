import { desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { idField } from '../../http/fields.ts';
import { router } from '../../http/routes.ts';
import { authApi } from '../../plugins/auth/api.ts';
import { catalogApi } from '../../plugins/catalog/api.ts';
import { wishes } from './schema.ts';

/** What customers wish for. It is no part of the shop's boot: it comes and goes while the shop is open. */
export const wishlist = definePlugin({
  id: 'wishlist',
  version: '1.0.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, auth: authApi, catalog: catalogApi },
  init({ routes, auth, catalog, database, onStop }) {
    routes.get('/wishes', async (request) => {
      const { id } = await auth.userOf(request);
      const own = await database
        .select({ productId: wishes.productId })
        .from(wishes)
        .where(eq(wishes.customerId, id))
        .orderBy(desc(wishes.wishedAt))
        .limit(100);
      return Promise.all(own.map(({ productId }) => catalog.get(productId)));
    });
    routes.post('/wishes', async (request) => {
      const { id: customerId } = await auth.userOf(request);
      const product = await catalog.get(idField(request.body, 'productId'));
      await database
        .insert(wishes)
        .values({ customerId, productId: product.id })
        .onConflictDoNothing();
      return product;
    });
    // The last customers get their answer before the database is closed.
    onStop(() => routes.close());
  },
});
