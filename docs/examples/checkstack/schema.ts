import { integer, pgTable, text } from 'drizzle-orm/pg-core';

export const tickets = pgTable('tickets', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  title: text('title').notNull(),
});
