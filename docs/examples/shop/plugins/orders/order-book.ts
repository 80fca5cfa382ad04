import { and, asc, desc, eq, gt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { badRequest, conflict, notFound } from '../../http/refusal.ts';
import type { User } from '../auth/api.ts';
import type { CatalogApi } from '../catalog/api.ts';
import type { InventoryApi, Quantity } from '../inventory/api.ts';
import type { SearchIndexer } from '../search/api.ts';
import type { Order, OrderStatus } from './api.ts';
import { orderLines, orders, outbox, statusChanges } from './schema.ts';

export interface OrderBook {
  place(customer: User, goods: readonly Quantity[]): Promise<Order>;
  cancel(id: string): Promise<Order>;
  markPaid(id: string): Promise<void>;
  get(id: string): Promise<Order>;
  linesOf(id: string): Promise<readonly (typeof orderLines.$inferSelect)[]>;
  listFor(customerId: string): Promise<readonly Order[]>;
  readonly indexer: SearchIndexer;
}

export interface OrderBookNeeds {
  readonly database: NodePgDatabase;
  readonly catalog: CatalogApi;
  readonly inventory: InventoryApi;
  /** Called after a status is committed. */
  readonly onNews: () => void;
}

type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

/** The largest total that fits PostgreSQL's `integer`. */
const largestTotal = 2_147_483_647;

/** The orders of the shop. Each change of status goes into the outbox in the same transaction. */
export function createOrderBook(needs: OrderBookNeeds): OrderBook {
  const { database, catalog, inventory, onNews } = needs;

  const moveOn = async (id: string, status: OrderStatus): Promise<Order | undefined> => {
    const order = await database.transaction(async (tx) => {
      const [moved] = await tx
        .update(orders)
        .set({ status, updatedAt: sql`now()` })
        .where(and(eq(orders.id, id), eq(orders.status, 'placed')))
        .returning();
      if (moved) await tellOf(tx, moved);
      return moved;
    });
    if (order) onNews();
    return order;
  };

  const get = async (id: string): Promise<Order> => {
    const [order] = await database.select().from(orders).where(eq(orders.id, id));
    if (!order) throw notFound(`There is no order ${id}`);
    return order;
  };

  return {
    get,

    async place(customer, wanted) {
      const goods = mergeLines(wanted);
      const products = await catalog.getOnSale(goods.map(({ productId }) => productId));
      const lines = goods.map(({ productId, quantity }) => {
        const { name, priceCents } = products.get(productId)!;
        return { productId, quantity, name, unitPriceCents: priceCents };
      });
      const totalCents = sum(lines.map((line) => line.quantity * line.unitPriceCents));
      if (totalCents > largestTotal) throw badRequest('That is more than one order can hold');

      const reservationId = await inventory.reserve(goods, `order of ${customer.email}`);
      try {
        const order = await database.transaction(async (tx) => {
          const [placed] = await tx
            .insert(orders)
            .values({
              customerId: customer.id,
              customerEmail: customer.email,
              reservationId,
              totalCents,
            })
            .returning();
          const { id: orderId } = placed!;
          await tx.insert(orderLines).values(lines.map((line) => ({ ...line, orderId })));
          await tellOf(tx, placed!);
          return placed!;
        });
        onNews();
        return order;
      } catch (error) {
        // If this fails too, the reservation ends by itself.
        await inventory.release(reservationId).catch(() => {});
        throw error;
      }
    },

    async cancel(id) {
      const canceled = await moveOn(id, 'canceled');
      if (canceled) return canceled;
      const { number, status } = await get(id);
      throw conflict(`Order ${number} is ${status} already`);
    },

    async markPaid(id) {
      await moveOn(id, 'paid');
    },

    linesOf: (id) =>
      database
        .select()
        .from(orderLines)
        .where(eq(orderLines.orderId, id))
        .orderBy(asc(orderLines.name)),

    listFor: (customerId) =>
      database
        .select()
        .from(orders)
        .where(eq(orders.customerId, customerId))
        .orderBy(desc(orders.number))
        .limit(100),

    indexer: {
      kind: 'order',
      async changedSince(moment) {
        const changed = await database.select().from(orders).where(gt(orders.updatedAt, moment));
        return changed.map((order) => ({
          reference: String(order.number),
          title: `Order ${order.number}`,
          body: order.status,
          changedAt: order.updatedAt,
          isGone: order.status === 'canceled',
        }));
      },
    },
  };
}

async function tellOf(tx: Transaction, { id: orderId, status }: Order): Promise<void> {
  await tx.insert(statusChanges).values({ orderId, status });
  await tx.insert(outbox).values({ orderId, status });
}

function mergeLines(goods: readonly Quantity[]): Quantity[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of goods) {
    quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  }
  return Array.from(quantities, ([productId, quantity]) => ({ productId, quantity }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
