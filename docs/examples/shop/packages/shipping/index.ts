import { coreServices, createBackendPlugin } from 'slipway/checkstack';
import { router } from '../../http/routes.ts';
import { authApi } from '../../plugins/auth/api.ts';
import { notificationsApi } from '../../plugins/notifications/api.ts';
import { ordersApi } from '../../plugins/orders/api.ts';
import { startWorker } from '../../worker.ts';
import type { Worker } from '../../worker.ts';
import { shippingApi } from './api.ts';
import { createParcels } from './parcels.ts';
import type { Parcels } from './parcels.ts';
import * as schema from './schema.ts';

/** Sends what was paid for. Written in Checkstack's form; its migrations are those in `drizzle/` beside it. */
const shipping = createBackendPlugin({
  metadata: { pluginId: 'shipping' },
  register(env) {
    let parcels: Parcels;
    let courier: Worker | undefined;

    env.registerInit({
      schema,
      deps: {
        logger: coreServices.logger,
        routes: router,
        auth: authApi,
        orders: ordersApi,
        notifications: notificationsApi.optional(),
      },
      // The service needs the database, so it does not exist before init. Plugins that need it are ordered by this list.
      provides: [shippingApi],

      init({ routes, auth, orders, database }) {
        parcels = createParcels(database);
        env.registerService(shippingApi, parcels);

        orders.onStatus(async (order, status) => {
          if (status !== 'paid') return;
          await parcels.packFor(order, await orders.linesOf(order.id));
          courier?.wake();
        });
        routes.get('/parcels', async (request) => parcels.listFor((await auth.userOf(request)).id));
      },

      // After every init, so that every notification channel is up when the first parcel moves.
      afterPluginsReady({ notifications, logger }) {
        const carry = async (): Promise<void> => {
          for (const { orderNumber, customerEmail, status } of await parcels.moveOn()) {
            await notifications?.notify({
              recipient: customerEmail,
              subject: `The parcel of your order ${orderNumber} is ${status}`,
              body: 'See /api/shipping/parcels for where it has been.',
            });
          }
        };
        courier = startWorker(carry, { name: 'carrying parcels', everyMs: 1_000, logger });
      },
    });
    env.registerCleanup(() => courier?.stop());
  },
});

// oxlint-disable-next-line import/no-default-export -- discovery takes the default export of a package
export default shipping;
