import { createServiceRef } from 'slipway/checkstack';

export interface ShippingApi {
  /** Whether a parcel with this product has come to the customer. */
  hasReceived(customerId: string, productId: string): Promise<boolean>;
}

export const shippingApi = createServiceRef<ShippingApi>('shipping.api');
