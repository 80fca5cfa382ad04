import { and, asc, eq, lt, lte, notExists, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { alias } from 'drizzle-orm/pg-core';
import type { OrderListener } from './api.ts';
import { orders, outbox } from './schema.ts';

export interface Outbox {
  onStatus(listener: OrderListener): void;
  /** Delivers every event that the listeners have not received yet. */
  deliver(): Promise<void>;
}

type News = typeof outbox.$inferSelect;

/**
 * Delivers to the listeners what happened to orders. A row is claimed for half a minute and deleted when every listener is
 * done, so that no connection is held meanwhile and a crash loses nothing. Later news of an order waits for earlier.
 */
export function createOutbox(database: NodePgDatabase): Outbox {
  const listeners: OrderListener[] = [];
  const earlier = alias(outbox, 'earlier');

  const claim = async (): Promise<News | undefined> => {
    const next = database
      .select({ id: outbox.id })
      .from(outbox)
      .where(
        and(
          lte(outbox.claimedUntil, sql`now()`),
          notExists(
            database
              .select({ id: earlier.id })
              .from(earlier)
              .where(and(eq(earlier.orderId, outbox.orderId), lt(earlier.id, outbox.id))),
          ),
        ),
      )
      .orderBy(asc(outbox.id))
      .limit(1)
      .for('update', { of: outbox, skipLocked: true });
    const [claimed] = await database
      .update(outbox)
      .set({ claimedUntil: sql`now() + interval '30 seconds'` })
      .where(eq(outbox.id, sql`${next}`))
      .returning();
    return claimed;
  };

  const tell = async ({ id, orderId, status }: News): Promise<void> => {
    const [order] = await database.select().from(orders).where(eq(orders.id, orderId));
    if (order) for (const listener of listeners) await listener(order, status);
    await database.delete(outbox).where(eq(outbox.id, id));
  };

  return {
    onStatus(listener) {
      listeners.push(listener);
    },
    async deliver() {
      for (let news = await claim(); news; news = await claim()) await tell(news);
    },
  };
}
