import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

export const movementKind = pgEnum('movement_kind', ['received', 'sold', 'returned']);
export const reservationStatus = pgEnum('reservation_status', [
  'held',
  'committed',
  'released',
  'expired',
]);

export const stockLevels = pgTable(
  'stock_levels',
  {
    productId: uuid('product_id').primaryKey(),
    onHand: integer('on_hand').notNull().default(0),
    reserved: integer('reserved').notNull().default(0),
  },
  (table) => [check('stock_levels_covered', sql`${table.reserved} between 0 and ${table.onHand}`)],
);

export const movements = pgTable('movements', {
  id: uuid('id').primaryKey().defaultRandom(),
  productId: uuid('product_id')
    .notNull()
    .references(() => stockLevels.productId),
  kind: movementKind('kind').notNull(),
  quantity: integer('quantity').notNull(),
  movedAt: timestamp('moved_at', { withTimezone: true }).notNull().defaultNow(),
});

export const reservations = pgTable(
  'reservations',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    status: reservationStatus('status').notNull().default('held'),
    reason: text('reason').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
  },
  (table) => [index('reservations_expiring').on(table.status, table.expiresAt)],
);

export const reservationLines = pgTable(
  'reservation_lines',
  {
    reservationId: uuid('reservation_id')
      .notNull()
      .references(() => reservations.id, { onDelete: 'cascade' }),
    productId: uuid('product_id')
      .notNull()
      .references(() => stockLevels.productId),
    quantity: integer('quantity').notNull(),
  },
  (table) => [primaryKey({ columns: [table.reservationId, table.productId] })],
);
