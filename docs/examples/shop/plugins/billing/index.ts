import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { choiceField, idOf } from '../../http/fields.ts';
import { conflict, notFound } from '../../http/refusal.ts';
import { router } from '../../http/routes.ts';
import { startWorker } from '../../worker.ts';
import { auditLog } from '../audit/api.ts';
import { authApi } from '../auth/api.ts';
import { notificationsApi } from '../notifications/api.ts';
import { ordersApi } from '../orders/api.ts';
import { createInvoices } from './invoices.ts';
import { paymentMethod } from './schema.ts';

/** Writes invoices and takes the money. */
export const billing = definePlugin({
  id: 'billing',
  version: '2.2.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: {
    routes: router,
    auth: authApi,
    orders: ordersApi,
    log: auditLog,
    notifications: notificationsApi.optional(),
  },
  init({ routes, auth, orders, log, notifications, database, logger, onStop }) {
    const invoices = createInvoices(database);

    orders.onStatus(async (order, status) => {
      if (status === 'placed' && order.status !== 'canceled') await invoices.issueFor(order);
      if (status === 'canceled') await invoices.void(order.id);
    });

    routes.get('/invoices', async (request) => invoices.listFor((await auth.userOf(request)).id));
    routes.post('/invoices/:id/payments', async (request) => {
      const user = await auth.userOf(request);
      const method = choiceField(request.body, 'method', paymentMethod.enumValues);
      const { id, customerId, orderId } = await invoices.get(idOf(request));
      if (customerId !== user.id) throw notFound(`There is no invoice ${id}`);
      const order = await orders.get(orderId);
      if (order.status === 'canceled') throw conflict(`Order ${order.number} is canceled`);
      const invoice = await invoices.pay(id, method);
      // After the money is in: paying again after a crash in between only does this.
      await orders.markPaid(orderId);
      await log.record({
        action: 'billing.paid',
        subject: `invoice ${invoice.number}`,
        actorId: user.id,
        detail: { method },
      });
      return invoice;
    });

    const remind = async (): Promise<void> => {
      for (const { number, orderNumber, customerEmail } of await invoices.takeOverdue()) {
        await notifications?.notify({
          recipient: customerEmail,
          subject: `Invoice ${number} is overdue`,
          body: `Please pay for your order ${orderNumber}.`,
        });
      }
    };
    const worker = startWorker(remind, { name: 'reminding of debts', everyMs: 10_000, logger });
    onStop(() => worker.stop());
  },
});
