import { serviceRef } from 'slipway';

export interface Product {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly priceCents: number;
  readonly status: 'draft' | 'active' | 'discontinued';
}

export interface CatalogApi {
  /** The products on sale, by name. */
  list(category?: string): Promise<readonly Product[]>;
  /** Any product, on sale or not; refuses with 404 when there is none. */
  get(id: string): Promise<Product>;
  /** The products with these ids; refuses with 400 when one of them cannot be bought. */
  getOnSale(ids: readonly string[]): Promise<ReadonlyMap<string, Product>>;
}

export const catalogApi = serviceRef<CatalogApi>('catalog.api');
