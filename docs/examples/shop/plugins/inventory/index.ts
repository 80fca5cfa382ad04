import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin, serviceRef } from 'slipway';
import { idField, integerField } from '../../http/fields.ts';
import { router } from '../../http/routes.ts';
import { startWorker } from '../../worker.ts';
import { auditLog } from '../audit/api.ts';
import { authApi } from '../auth/api.ts';
import { catalogApi } from '../catalog/api.ts';
import { inventoryApi } from './api.ts';
import { createWarehouse } from './warehouse.ts';
import type { Warehouse } from './warehouse.ts';

/** Not for other plugins: `ready` sees what `init` returned. */
const warehouseService = serviceRef<Warehouse>('inventory.warehouse');

/** How many of each product a new shop starts with. */
const firstStock = 25;

/** What is on the shelves, and what of it is set aside. */
export const inventory = definePlugin({
  id: 'inventory',
  version: '1.2.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, auth: authApi, catalog: catalogApi, log: auditLog },
  provides: { api: inventoryApi, warehouse: warehouseService },
  init({ routes, auth, catalog, log, database, logger, onStop }) {
    const warehouse = createWarehouse(database);

    routes.get('/stock', () => warehouse.stock());
    routes.post('/receipts', async (request) => {
      const { id: actorId } = await auth.userWithRole(request, 'staff');
      const product = await catalog.get(idField(request.body, 'productId'));
      const quantity = integerField(request.body, 'quantity', 1);
      const level = await warehouse.receive({ productId: product.id, quantity });
      await log.record({
        action: 'inventory.received',
        subject: `product ${product.sku}`,
        actorId,
        detail: { quantity },
      });
      return level;
    });

    const worker = startWorker(() => warehouse.releaseExpired(), {
      name: 'releasing expired reservations',
      everyMs: 5_000,
      logger,
    });
    onStop(() => worker.stop());
    return { api: warehouse, warehouse };
  },
  async ready({ catalog, warehouse }) {
    const products = await catalog.list();
    await warehouse.stockUp(
      products.map(({ id }) => id),
      firstStock,
    );
  },
});
