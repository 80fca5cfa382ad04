import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Pool } from 'pg';

/** The host's own table, which is in `public`; its migrations are in `drizzle/`. */
export const shopSettings = pgTable('shop_settings', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
  changedAt: timestamp('changed_at', { withTimezone: true }).notNull().defaultNow(),
});

/** What the shop is called. */
export async function readShopName(pool: Pool): Promise<string> {
  const [found] = await drizzle({ client: pool })
    .select({ name: shopSettings.value })
    .from(shopSettings)
    .where(eq(shopSettings.key, 'name'));
  return found?.name ?? 'A shop without a name';
}
