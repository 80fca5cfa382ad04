import { desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { router } from '../../http/routes.ts';
import { startWorker } from '../../worker.ts';
import { authApi } from '../auth/api.ts';
import { notificationChannels, notificationsApi } from './api.ts';
import { createDispatcher } from './dispatcher.ts';
import { notifications as table } from './schema.ts';

/** Notifies people of what happened, on every channel. */
export const notifications = definePlugin({
  id: 'notifications',
  version: '1.0.3',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, auth: authApi, channels: notificationChannels },
  provides: { api: notificationsApi },
  init({ routes, auth, channels, database, logger, onStop }) {
    const dispatcher = createDispatcher(database, channels);
    const worker = startWorker(() => dispatcher.sendDue(), {
      name: 'sending notifications',
      everyMs: 1_000,
      logger,
    });
    onStop(() => worker.stop());

    routes.get('/mine', async (request) => {
      const { email } = await auth.userOf(request);
      return database
        .select()
        .from(table)
        .where(eq(table.recipient, email))
        .orderBy(desc(table.createdAt))
        .limit(50);
    });
    return {
      api: {
        async notify(message) {
          await dispatcher.enqueue(message);
          worker.wake();
        },
      },
    };
  },
});
