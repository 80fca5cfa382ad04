import { and, asc, eq, lt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { conflict } from '../../http/refusal.ts';
import type { InventoryApi, Quantity, Stock } from './api.ts';
import { movements, reservationLines, reservations, stockLevels } from './schema.ts';

export interface Warehouse extends InventoryApi {
  stock(): Promise<readonly Stock[]>;
  receive(goods: Quantity): Promise<Stock>;
  /** Gives products that were never in stock their first goods. */
  stockUp(productIds: readonly string[], quantity: number): Promise<void>;
  releaseExpired(): Promise<void>;
}

type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];
type Status = (typeof reservations.$inferSelect)['status'];

const inFifteenMinutes = sql<Date>`now() + interval '15 minutes'`;

/** What is on the shelves, and what of it is set aside. */
export function createWarehouse(database: NodePgDatabase): Warehouse {
  const settle = (id: string, from: Status, to: Status): Promise<boolean> =>
    database.transaction(async (tx) => {
      const settled = await tx
        .update(reservations)
        .set({ status: to })
        .where(and(eq(reservations.id, id), eq(reservations.status, from)))
        .returning({ id: reservations.id });
      if (settled.length === 0) return false;
      for (const line of await linesOf(tx, id)) await moveStock(tx, line, from, to);
      return true;
    });

  return {
    reserve: (goods, reason) =>
      database.transaction(async (tx) => {
        for (const wanted of inLockOrder(goods)) await setAside(tx, wanted);
        const [reservation] = await tx
          .insert(reservations)
          .values({ reason, expiresAt: inFifteenMinutes })
          .returning({ id: reservations.id });
        const { id: reservationId } = reservation!;
        await tx
          .insert(reservationLines)
          .values(goods.map(({ productId, quantity }) => ({ reservationId, productId, quantity })));
        return reservationId;
      }),

    async commit(id) {
      if (await settle(id, 'held', 'committed')) return true;
      const [reservation] = await database
        .select({ status: reservations.status })
        .from(reservations)
        .where(eq(reservations.id, id));
      return reservation?.status === 'committed';
    },

    async release(id) {
      if (await settle(id, 'held', 'released')) return;
      await settle(id, 'committed', 'released');
    },

    async releaseExpired() {
      const over = await database
        .select({ id: reservations.id })
        .from(reservations)
        .where(and(eq(reservations.status, 'held'), lt(reservations.expiresAt, sql`now()`)))
        .limit(100);
      for (const { id } of over) await settle(id, 'held', 'expired');
    },

    stock: () => database.select().from(stockLevels).orderBy(asc(stockLevels.productId)),

    receive: ({ productId, quantity }) =>
      database.transaction(async (tx) => {
        const [level] = await tx
          .insert(stockLevels)
          .values({ productId, onHand: quantity })
          .onConflictDoUpdate({
            target: stockLevels.productId,
            set: { onHand: sql`${stockLevels.onHand} + ${quantity}` },
          })
          .returning();
        await tx.insert(movements).values({ productId, kind: 'received', quantity });
        return level!;
      }),

    async stockUp(productIds, quantity) {
      if (productIds.length === 0) return;
      await database.transaction(async (tx) => {
        const added = await tx
          .insert(stockLevels)
          .values(productIds.map((productId) => ({ productId, onHand: quantity })))
          .onConflictDoNothing()
          .returning();
        if (added.length === 0) return;
        await tx
          .insert(movements)
          .values(
            added.map(({ productId }) => ({ productId, kind: 'received' as const, quantity })),
          );
      });
    },
  };
}

async function setAside(tx: Transaction, { productId, quantity }: Quantity): Promise<void> {
  const { onHand, reserved } = stockLevels;
  const changed = await tx
    .update(stockLevels)
    .set({ reserved: sql`${reserved} + ${quantity}` })
    .where(and(eq(stockLevels.productId, productId), sql`${onHand} - ${reserved} >= ${quantity}`))
    .returning({ productId: stockLevels.productId });
  if (changed.length === 0) throw conflict(`There are no ${quantity} of product ${productId} left`);
}

/** Carries one line of a reservation from one status to the next. */
async function moveStock(tx: Transaction, line: Quantity, from: Status, to: Status): Promise<void> {
  const { productId, quantity } = line;
  const { onHand, reserved } = stockLevels;
  await tx
    .update(stockLevels)
    .set({
      ...(from === 'held' && { reserved: sql`${reserved} - ${quantity}` }),
      ...(to === 'committed' && { onHand: sql`${onHand} - ${quantity}` }),
      ...(from === 'committed' && { onHand: sql`${onHand} + ${quantity}` }),
    })
    .where(eq(stockLevels.productId, productId));
  if (to === 'committed') await tx.insert(movements).values({ productId, kind: 'sold', quantity });
  if (from === 'committed') {
    await tx.insert(movements).values({ productId, kind: 'returned', quantity });
  }
}

function linesOf(tx: Transaction, reservationId: string): Promise<Quantity[]> {
  return tx
    .select({ productId: reservationLines.productId, quantity: reservationLines.quantity })
    .from(reservationLines)
    .where(eq(reservationLines.reservationId, reservationId))
    .orderBy(asc(reservationLines.productId));
}

/** Everyone locks stock in the order of the ids: two orders for the same goods wait for each other, in no circle. */
function inLockOrder(goods: readonly Quantity[]): Quantity[] {
  return goods.toSorted((a, b) => (a.productId < b.productId ? -1 : 1));
}
