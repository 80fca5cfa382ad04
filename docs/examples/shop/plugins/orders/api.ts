import { serviceRef } from 'slipway';

export type OrderStatus = 'placed' | 'canceled' | 'paid';

export interface Order {
  readonly id: string;
  readonly number: number;
  readonly customerId: string;
  readonly customerEmail: string;
  readonly status: OrderStatus;
  readonly reservationId: string;
  readonly totalCents: number;
  readonly createdAt: Date;
}

export interface OrderLine {
  readonly productId: string;
  readonly name: string;
  readonly quantity: number;
}

export type OrderListener = (order: Order, status: OrderStatus) => Promise<void>;

export interface OrdersApi {
  /** Refuses with 404 when there is none. */
  get(id: string): Promise<Order>;
  linesOf(id: string): Promise<readonly OrderLine[]>;
  /** Does nothing when it is not open any more. */
  markPaid(id: string): Promise<void>;
  /**
   * Reports every new status, for one order in the order in which they came, after they are committed. When a
   * listener fails or the process dies, the same news comes again. Call it in `init`: the news begins after it.
   */
  onStatus(listener: OrderListener): void;
}

export const ordersApi = serviceRef<OrdersApi>('orders.api');
