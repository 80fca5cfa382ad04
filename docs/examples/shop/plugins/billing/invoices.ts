import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { conflict, notFound } from '../../http/refusal.ts';
import type { Order } from '../orders/api.ts';
import { invoices, payments, reminders } from './schema.ts';

export type Invoice = typeof invoices.$inferSelect;
export type PaymentMethod = (typeof payments.$inferSelect)['method'];

export interface Invoices {
  /** One invoice an order, however often it is asked for. */
  issueFor(order: Order): Promise<void>;
  void(orderId: string): Promise<void>;
  get(id: string): Promise<Invoice>;
  listFor(customerId: string): Promise<readonly Invoice[]>;
  /** Any number of calls: an invoice is paid once. Refuses with 409 when it is void. */
  pay(id: string, method: PaymentMethod): Promise<Invoice>;
  /** Marks what is overdue, and returns each invoice once. */
  takeOverdue(): Promise<readonly Invoice[]>;
}

const inTwoWeeks = sql<Date>`now() + interval '14 days'`;

/** The invoices of the shop. */
export function createInvoices(database: NodePgDatabase): Invoices {
  return {
    async issueFor({ id: orderId, number: orderNumber, customerId, customerEmail, totalCents }) {
      await database
        .insert(invoices)
        .values({ orderId, orderNumber, customerId, customerEmail, totalCents, dueAt: inTwoWeeks })
        .onConflictDoNothing();
    },

    async void(orderId) {
      await database
        .update(invoices)
        .set({ status: 'void' })
        .where(and(eq(invoices.orderId, orderId), inArray(invoices.status, ['open', 'overdue'])));
    },

    async get(id) {
      const [invoice] = await database.select().from(invoices).where(eq(invoices.id, id));
      if (!invoice) throw notFound(`There is no invoice ${id}`);
      return invoice;
    },

    listFor: (customerId) =>
      database
        .select()
        .from(invoices)
        .where(eq(invoices.customerId, customerId))
        .orderBy(desc(invoices.number))
        .limit(100),

    pay: (id, method) =>
      database.transaction(async (tx) => {
        const [invoice] = await tx.select().from(invoices).where(eq(invoices.id, id)).for('update');
        if (!invoice) throw notFound(`There is no invoice ${id}`);
        if (invoice.status === 'void') throw conflict(`Invoice ${invoice.number} is void`);
        if (invoice.status === 'paid') return invoice;
        await tx
          .insert(payments)
          .values({ invoiceId: id, method, amountCents: invoice.totalCents });
        await tx.update(invoices).set({ status: 'paid' }).where(eq(invoices.id, id));
        return { ...invoice, status: 'paid' };
      }),

    takeOverdue: () =>
      database.transaction(async (tx) => {
        const overdue = await tx
          .update(invoices)
          .set({ status: 'overdue' })
          .where(and(eq(invoices.status, 'open'), lt(invoices.dueAt, sql`now()`)))
          .returning();
        if (overdue.length > 0) {
          await tx.insert(reminders).values(overdue.map(({ id: invoiceId }) => ({ invoiceId })));
        }
        return overdue;
      }),
  };
}
