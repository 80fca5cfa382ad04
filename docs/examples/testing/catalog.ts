import { definePlugin, serviceRef, sqlFiles } from 'slipway';

/** Of another plugin: what an item costs. */
export interface Prices {
  priceOf(sku: string): Promise<number>;
}
export const pricesApi = serviceRef<Prices>('prices.api');

export interface Catalog {
  add(sku: string): Promise<void>;
  total(): Promise<number>;
}
export const catalogApi = serviceRef<Catalog>('catalog.api');

/** The plugin under test. */
export const catalog = definePlugin({
  id: 'catalog',
  migrations: sqlFiles(new URL('./migrations', import.meta.url)),
  deps: { prices: pricesApi },
  provides: { catalogApi },
  retry: { attempts: 3, backoff: '30s' },
  async init({ prices, database }) {
    await prices.priceOf('welcome-gift'); // fails while the price list is being loaded
    return {
      catalogApi: {
        async add(sku) {
          const price = await prices.priceOf(sku);
          await database.query('INSERT INTO items (sku, price) VALUES ($1, $2)', [sku, price]);
        },
        async total() {
          const { rows } = await database.query<{ total: string }>(
            'SELECT coalesce(sum(price), 0) AS total FROM items',
          );
          return Number(rows[0]?.total);
        },
      },
    };
  },
});
