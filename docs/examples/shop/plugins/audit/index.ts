import { desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { router } from '../../http/routes.ts';
import { authApi } from '../auth/api.ts';
import type { NotificationChannel } from '../notifications/api.ts';
import { notificationChannels } from '../notifications/api.ts';
import type { AuditLog } from './api.ts';
import { auditLog } from './api.ts';
import { entries } from './schema.ts';

/** Keeps what happened in the shop, and which notifications were sent about it. */
export const audit = definePlugin({
  id: 'audit',
  version: '1.1.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router, auth: authApi },
  provides: { log: auditLog, channel: notificationChannels },
  init({ routes, auth, database }) {
    const log: AuditLog = {
      async record({ action, subject, actorId, detail = {} }) {
        await database.insert(entries).values({
          source: action.split('.', 1).join(''),
          actorKind: actorId === undefined ? 'system' : 'user',
          actorId,
          action,
          subject,
          detail,
        });
      },
    };
    const channel: NotificationChannel = {
      name: 'audit',
      send: ({ recipient, subject }) =>
        log.record({ action: 'notifications.sent', subject: recipient, detail: { subject } }),
    };
    routes.get('/entries', async (request) => {
      await auth.userWithRole(request, 'staff');
      const subject = request.query.get('subject');
      return database
        .select()
        .from(entries)
        .where(subject === null ? undefined : eq(entries.subject, subject))
        .orderBy(desc(entries.id))
        .limit(100);
    });
    return { log, channel };
  },
});
