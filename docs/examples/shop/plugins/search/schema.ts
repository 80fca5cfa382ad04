import { sql } from 'drizzle-orm';
import { index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

export const documents = pgTable(
  'documents',
  {
    kind: text('kind').notNull(),
    reference: text('reference').notNull(),
    title: text('title').notNull(),
    body: text('body').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.reference] }),
    index('documents_words').using(
      'gin',
      sql`to_tsvector('simple', ${table.title} || ' ' || ${table.body})`,
    ),
  ],
);

/** Up to which moment the documents of one indexer are known. */
export const cursors = pgTable('cursors', {
  kind: text('kind').primaryKey(),
  indexedUntil: timestamp('indexed_until', { withTimezone: true }).notNull(),
});
