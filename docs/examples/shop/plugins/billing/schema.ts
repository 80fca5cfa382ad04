import { index, integer, pgEnum, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const invoiceStatus = pgEnum('invoice_status', ['open', 'paid', 'void', 'overdue']);
export const paymentMethod = pgEnum('payment_method', ['card', 'transfer']);

export const invoices = pgTable(
  'invoices',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    number: integer('number').notNull().unique().generatedAlwaysAsIdentity({ startWith: 5001 }),
    orderId: uuid('order_id').notNull().unique(),
    orderNumber: integer('order_number').notNull(),
    customerId: uuid('customer_id').notNull(),
    customerEmail: text('customer_email').notNull(),
    totalCents: integer('total_cents').notNull(),
    status: invoiceStatus('status').notNull().default('open'),
    dueAt: timestamp('due_at', { withTimezone: true }).notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('invoices_due').on(table.status, table.dueAt)],
);

export const payments = pgTable('payments', {
  id: uuid('id').primaryKey().defaultRandom(),
  invoiceId: uuid('invoice_id')
    .notNull()
    .unique()
    .references(() => invoices.id),
  method: paymentMethod('method').notNull(),
  amountCents: integer('amount_cents').notNull(),
  paidAt: timestamp('paid_at', { withTimezone: true }).notNull().defaultNow(),
});

/** `status` is what the invoice had when the customer was reminded of it. */
export const reminders = pgTable('reminders', {
  id: uuid('id').primaryKey().defaultRandom(),
  invoiceId: uuid('invoice_id')
    .notNull()
    .references(() => invoices.id),
  status: invoiceStatus('status').notNull().default('overdue'),
  sentAt: timestamp('sent_at', { withTimezone: true }).notNull().defaultNow(),
});
