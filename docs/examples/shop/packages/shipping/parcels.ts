import { and, asc, desc, eq } from 'drizzle-orm';
import type { SafeDatabase } from 'slipway/checkstack';
import type { Order, OrderLine } from '../../plugins/orders/api.ts';
import type { ShippingApi } from './api.ts';
import type * as schema from './schema.ts';
import { parcelLines, parcels, trackingEvents } from './schema.ts';

export type Parcel = typeof parcels.$inferSelect;
type Status = Parcel['status'];

export interface Parcels extends ShippingApi {
  /** One parcel an order, however often it is asked for. */
  packFor(order: Order, lines: readonly OrderLine[]): Promise<void>;
  /** Carries every parcel one status further, and returns those that moved. */
  moveOn(): Promise<readonly Parcel[]>;
  listFor(customerId: string): Promise<readonly Parcel[]>;
}

/** The last leg first: each parcel goes one leg at a time. */
const legs: readonly (readonly [from: Status, to: Status])[] = [
  ['shipped', 'delivered'],
  ['packing', 'shipped'],
];

/** The parcels of the shop, and where they are. */
export function createParcels(database: SafeDatabase<typeof schema>): Parcels {
  return {
    packFor: ({ id: orderId, number: orderNumber, customerId, customerEmail }, lines) =>
      database.transaction(async (tx) => {
        const [parcel] = await tx
          .insert(parcels)
          .values({ orderId, orderNumber, customerId, customerEmail })
          .onConflictDoNothing()
          .returning();
        if (!parcel) return;
        const { id: parcelId } = parcel;
        await tx
          .insert(parcelLines)
          .values(lines.map(({ productId, quantity }) => ({ parcelId, productId, quantity })));
        await tx.insert(trackingEvents).values({ parcelId });
      }),

    moveOn: () =>
      database.transaction(async (tx) => {
        const moved: Parcel[] = [];
        for (const [from, status] of legs) {
          moved.push(
            ...(await tx
              .update(parcels)
              .set({ status })
              .where(eq(parcels.status, from))
              .returning()),
          );
        }
        if (moved.length > 0) {
          await tx
            .insert(trackingEvents)
            .values(moved.map(({ id: parcelId, status }) => ({ parcelId, status })));
        }
        return moved;
      }),

    listFor: (customerId) =>
      database.query.parcels.findMany({
        where: eq(parcels.customerId, customerId),
        with: { tracking: { orderBy: asc(trackingEvents.at) } },
        orderBy: desc(parcels.orderNumber),
        limit: 100,
      }),

    async hasReceived(customerId, productId) {
      const [found] = await database
        .select({ id: parcels.id })
        .from(parcels)
        .innerJoin(parcelLines, eq(parcelLines.parcelId, parcels.id))
        .where(
          and(
            eq(parcels.customerId, customerId),
            eq(parcels.status, 'delivered'),
            eq(parcelLines.productId, productId),
          ),
        )
        .limit(1);
      return found !== undefined;
    },
  };
}
