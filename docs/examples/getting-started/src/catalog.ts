import { definePlugin, serviceRef, sqlFiles } from 'slipway';

export interface Catalog {
  priceOf(sku: string): Promise<number | undefined>;
}
export const catalogApi = serviceRef<Catalog>('catalog.api');

export const catalog = definePlugin({
  id: 'catalog', // its tables are in the schema plugin_catalog
  migrations: sqlFiles(new URL('../migrations/catalog', import.meta.url)),
  provides: { catalogApi },
  init: ({ database }) => ({
    catalogApi: {
      async priceOf(sku) {
        const { rows } = await database.query<{ price: number }>(
          'SELECT price FROM items WHERE sku = $1',
          [sku],
        );
        return rows[0]?.price;
      },
    },
  }),
});
