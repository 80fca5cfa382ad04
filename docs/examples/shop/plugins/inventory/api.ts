import { serviceRef } from 'slipway';

export interface Quantity {
  readonly productId: string;
  /** At least 1. */
  readonly quantity: number;
}

export interface Stock {
  readonly productId: string;
  readonly onHand: number;
  readonly reserved: number;
}

export interface InventoryApi {
  /** Sets goods aside for 15 minutes, all or nothing; refuses with 409 when there are too few. Returns the reservation's id. */
  reserve(goods: readonly Quantity[], reason: string): Promise<string>;
  /** The goods are sold; false when the reservation is over. Any number of calls. */
  commit(reservationId: string): Promise<boolean>;
  /** The goods go back on the shelf, also those sold already. Any number of calls. */
  release(reservationId: string): Promise<void>;
}

export const inventoryApi = serviceRef<InventoryApi>('inventory.api');
