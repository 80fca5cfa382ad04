import { relations } from 'drizzle-orm';
import { integer, pgEnum, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const parcelStatus = pgEnum('parcel_status', ['packing', 'shipped', 'delivered']);

/** One parcel an order. Orders and customers are of other plugins: their ids are no foreign keys. */
export const parcels = pgTable('parcels', {
  id: uuid('id').primaryKey().defaultRandom(),
  orderId: uuid('order_id').notNull().unique(),
  orderNumber: integer('order_number').notNull(),
  customerId: uuid('customer_id').notNull(),
  customerEmail: text('customer_email').notNull(),
  status: parcelStatus('status').notNull().default('packing'),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});

export const parcelLines = pgTable(
  'parcel_lines',
  {
    parcelId: uuid('parcel_id')
      .notNull()
      .references(() => parcels.id, { onDelete: 'cascade' }),
    productId: uuid('product_id').notNull(),
    quantity: integer('quantity').notNull(),
  },
  (table) => [primaryKey({ columns: [table.parcelId, table.productId] })],
);

/** When a parcel got which status. */
export const trackingEvents = pgTable('tracking_events', {
  id: uuid('id').primaryKey().defaultRandom(),
  parcelId: uuid('parcel_id')
    .notNull()
    .references(() => parcels.id, { onDelete: 'cascade' }),
  status: parcelStatus('status').notNull().default('packing'),
  at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
});

/** For `database.query`, which needs both sides. */
export const parcelRelations = relations(parcels, ({ many }) => ({
  tracking: many(trackingEvents),
}));

export const trackingRelations = relations(trackingEvents, ({ one }) => ({
  parcel: one(parcels, { fields: [trackingEvents.parcelId], references: [parcels.id] }),
}));
