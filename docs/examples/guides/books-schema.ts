import { integer, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

export const bookState = pgEnum('book_state', ['in', 'out']);

export const books = pgTable('books', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  title: text('title').notNull(),
  state: bookState('state').notNull().default('in'),
});

export const loans = pgTable('loans', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  bookId: integer('book_id')
    .notNull()
    .references(() => books.id),
  reader: text('reader').notNull(),
  since: timestamp('since', { withTimezone: true }).notNull().defaultNow(),
});
