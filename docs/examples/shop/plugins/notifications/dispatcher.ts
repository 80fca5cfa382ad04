import { and, asc, eq, lte, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Message, NotificationChannel } from './api.ts';
import { deliveries, notifications } from './schema.ts';

export interface Dispatcher {
  enqueue(message: Message): Promise<void>;
  /** Sends whatever is due. */
  sendDue(): Promise<void>;
}

type Notification = typeof notifications.$inferSelect;

const attemptsInAll = 5;

/**
 * Sends queued notifications. A row is claimed by moving its `due_at` ahead: no connection is held while a channel is
 * busy, replicas never send the same one at once, and what a crashed process had claimed comes up again by itself.
 */
export function createDispatcher(
  database: NodePgDatabase,
  channels: readonly NotificationChannel[],
): Dispatcher {
  const claim = async (): Promise<Notification | undefined> => {
    const due = database
      .select({ id: notifications.id })
      .from(notifications)
      .where(and(eq(notifications.status, 'queued'), lte(notifications.dueAt, sql`now()`)))
      .orderBy(asc(notifications.dueAt))
      .limit(1)
      .for('update', { skipLocked: true });
    const [claimed] = await database
      .update(notifications)
      .set({
        attempts: sql`${notifications.attempts} + 1`,
        dueAt: sql`now() + interval '30 seconds' * (${notifications.attempts} + 1)`,
      })
      .where(eq(notifications.id, sql`${due}`))
      .returning();
    return claimed;
  };

  const send = async (notification: Notification): Promise<void> => {
    const sent = await database
      .select({ channel: deliveries.channel })
      .from(deliveries)
      .where(and(eq(deliveries.notificationId, notification.id), eq(deliveries.status, 'sent')));
    const done = new Set(sent.map(({ channel }) => channel));
    let failures = 0;
    for (const channel of channels) {
      if (done.has(channel.name)) continue;
      const error = await errorOf(channel.send(notification));
      if (error !== undefined) failures += 1;
      await database.insert(deliveries).values({
        notificationId: notification.id,
        channel: channel.name,
        status: error === undefined ? 'sent' : 'failed',
        error,
      });
    }
    const status = failures === 0 ? 'sent' : 'failed';
    if (status === 'sent' || notification.attempts >= attemptsInAll) {
      await database
        .update(notifications)
        .set({ status })
        .where(eq(notifications.id, notification.id));
    }
  };

  return {
    async enqueue({ recipient, subject, body }) {
      await database.insert(notifications).values({ recipient, subject, body });
    },
    async sendDue() {
      for (let next = await claim(); next; next = await claim()) await send(next);
    },
  };
}

async function errorOf(sending: Promise<void>): Promise<string | undefined> {
  try {
    await sending;
    return undefined;
  } catch (error) {
    return String(error);
  }
}
