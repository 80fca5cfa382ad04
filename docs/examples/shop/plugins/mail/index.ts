import { desc } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { router } from '../../http/routes.ts';
import { authApi } from '../auth/api.ts';
import { notificationChannels } from '../notifications/api.ts';
import { messages } from './schema.ts';

/** Carries notifications as e-mail. */
export const mail = definePlugin({
  id: 'mail',
  version: '1.0.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, auth: authApi },
  provides: { channel: notificationChannels },
  init({ routes, auth, database }) {
    routes.get('/messages', async (request) => {
      await auth.userWithRole(request, 'staff', 'support');
      return database.select().from(messages).orderBy(desc(messages.sentAt)).limit(100);
    });
    return {
      channel: {
        name: 'mail',
        async send({ id: notificationId, recipient, subject, body }) {
          await database
            .insert(messages)
            .values({ notificationId, recipient, subject, body })
            .onConflictDoNothing();
        },
      },
    };
  },
});
