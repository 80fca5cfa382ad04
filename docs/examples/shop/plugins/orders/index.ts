import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin, serviceRef } from 'slipway';
import { fieldsOf, idField, idOf, integerField } from '../../http/fields.ts';
import { badRequest, notFound } from '../../http/refusal.ts';
import { router } from '../../http/routes.ts';
import type { ShopRequest } from '../../http/routes.ts';
import { startWorker } from '../../worker.ts';
import type { Worker } from '../../worker.ts';
import { auditLog } from '../audit/api.ts';
import { authApi } from '../auth/api.ts';
import { catalogApi } from '../catalog/api.ts';
import { inventoryApi } from '../inventory/api.ts';
import type { Quantity } from '../inventory/api.ts';
import { notificationsApi } from '../notifications/api.ts';
import { searchIndexers } from '../search/api.ts';
import { ordersApi } from './api.ts';
import { createOrderBook } from './order-book.ts';
import { createOutbox } from './outbox.ts';

/** Not for other plugins: `ready` sees what `init` returned. */
const newsStarter = serviceRef<() => Worker>('orders.news-starter');

/** Takes orders, and reports their progress to the other plugins. */
export const orders = definePlugin({
  id: 'orders',
  version: '3.1.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: {
    routes: router,
    auth: authApi,
    catalog: catalogApi,
    inventory: inventoryApi,
    log: auditLog,
    notifications: notificationsApi.optional(),
  },
  provides: { api: ordersApi, indexer: searchIndexers, startNews: newsStarter },
  init({ routes, auth, catalog, inventory, log, notifications, database, logger }) {
    const outbox = createOutbox(database);
    let worker: Worker | undefined;
    const book = createOrderBook({ database, catalog, inventory, onNews: () => worker?.wake() });

    outbox.onStatus(async (order, status) => {
      if (status === 'placed' && !(await inventory.commit(order.reservationId))) {
        // The reservation ended before we came to it: there may be nothing left to sell.
        if (order.status === 'placed') await book.cancel(order.id);
        return;
      }
      if (status === 'canceled') await inventory.release(order.reservationId);
      await log.record({ action: `orders.${status}`, subject: `order ${order.number}` });
      await notifications?.notify({
        recipient: order.customerEmail,
        subject: `Your order ${order.number} is ${status}`,
        body: `It comes to ${(order.totalCents / 100).toFixed(2)} EUR.`,
      });
    });

    const ownOrder = async (request: ShopRequest) => {
      const user = await auth.userOf(request);
      const order = await book.get(idOf(request));
      if (order.customerId === user.id || user.role !== 'customer') return order;
      // A customer must not learn whether another customer's order exists.
      throw notFound(`There is no order ${order.id}`);
    };

    routes.post('/orders', async (request) => {
      const customer = await auth.userOf(request);
      return book.place(customer, goodsOf(request.body));
    });
    routes.get('/orders', async (request) => book.listFor((await auth.userOf(request)).id));
    routes.get('/orders/:id', async (request) => {
      const order = await ownOrder(request);
      return { ...order, lines: await book.linesOf(order.id) };
    });
    routes.post('/orders/:id/cancellation', async (request) =>
      book.cancel((await ownOrder(request)).id),
    );

    const startNews = (): Worker => {
      worker = startWorker(() => outbox.deliver(), {
        name: 'telling what became of orders',
        everyMs: 1_000,
        logger,
      });
      return worker;
    };
    return {
      api: {
        get: (id) => book.get(id),
        linesOf: (id) => book.linesOf(id),
        markPaid: (id) => book.markPaid(id),
        onStatus: (listener) => outbox.onStatus(listener),
      },
      indexer: book.indexer,
      startNews,
    };
  },
  // Not in init: what happened before the last restart would be reported before all listeners exist.
  ready({ startNews, onStop }) {
    const worker = startNews();
    onStop(() => worker.stop());
  },
});

function goodsOf(body: unknown): readonly Quantity[] {
  const { lines } = fieldsOf(body);
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > 50) {
    throw badRequest('Expected lines to be a list of 1 to 50 products with their quantity');
  }
  return lines.map((line: unknown) => ({
    productId: idField(line, 'productId'),
    quantity: integerField(line, 'quantity', 1),
  }));
}
