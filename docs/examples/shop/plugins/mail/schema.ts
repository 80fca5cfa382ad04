import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** The outgoing mail. A real shop hands it to a mail server; here it can be read at `/api/mail/messages`. */
export const messages = pgTable(
  'messages',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    notificationId: uuid('notification_id').notNull().unique(),
    recipient: text('recipient').notNull(),
    subject: text('subject').notNull(),
    body: text('body').notNull(),
    sentAt: timestamp('sent_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('messages_recipient').on(table.recipient, table.sentAt)],
);
