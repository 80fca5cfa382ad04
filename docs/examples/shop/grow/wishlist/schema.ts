import { index, pgTable, primaryKey, timestamp, uuid } from 'drizzle-orm/pg-core';

/** What a customer wishes for, each product once. */
export const wishes = pgTable(
  'wishes',
  {
    customerId: uuid('customer_id').notNull(),
    productId: uuid('product_id').notNull(),
    wishedAt: timestamp('wished_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.customerId, table.productId] }),
    index('wishes_product').on(table.productId),
  ],
);
