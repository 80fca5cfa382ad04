import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  pgEnum,
  pgTable,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

export const reviewStatus = pgEnum('review_status', ['shown', 'hidden']);

/** A customer reviews a product once. */
export const reviews = pgTable(
  'reviews',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    productId: uuid('product_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    author: text('author').notNull(),
    stars: integer('stars').notNull(),
    words: text('words').notNull(),
    status: reviewStatus('status').notNull().default('shown'),
    writtenAt: timestamp('written_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    unique('reviews_one_each').on(table.productId, table.customerId),
    index('reviews_shown')
      .on(table.productId, table.writtenAt)
      .where(sql`${table.status} = 'shown'`),
    check('reviews_stars', sql`${table.stars} between 1 and 5`),
  ],
);

/** Who hid which review, or showed it again. */
export const moderations = pgTable('moderations', {
  id: uuid('id').primaryKey().defaultRandom(),
  reviewId: uuid('review_id')
    .notNull()
    .references(() => reviews.id, { onDelete: 'cascade' }),
  status: reviewStatus('status').notNull(),
  moderatorId: uuid('moderator_id').notNull(),
  at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
});
