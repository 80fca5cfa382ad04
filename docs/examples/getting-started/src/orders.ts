import { coreServices, definePlugin, serviceRef, sqlFiles } from 'slipway';
import { catalogApi } from './catalog.ts';

export interface Orders {
  place(sku: string): Promise<{ readonly id: number; readonly price: number } | undefined>;
}
export const ordersApi = serviceRef<Orders>('orders.api');

export const orders = definePlugin({
  id: 'orders',
  migrations: sqlFiles(new URL('../migrations/orders', import.meta.url)),
  deps: { catalog: catalogApi, locks: coreServices.advisoryLock },
  provides: { ordersApi },
  init({ catalog, locks, database, logger, onStop }) {
    // The job: every replica has the timer, and one of them does the work.
    const sweep = (): Promise<unknown> =>
      locks.runOnce(
        'orders.sweep',
        () => database.query(`DELETE FROM orders WHERE placed_at < now() - interval '1 year'`),
        { others: 'skip' },
      );
    const timer = setInterval(
      () => void sweep().catch((error: unknown) => logger.error({ err: error }, 'sweep failed')),
      60_000,
    );
    onStop(() => clearInterval(timer));

    return {
      ordersApi: {
        async place(sku) {
          const price = await catalog.priceOf(sku);
          if (price === undefined) return undefined;
          const { rows } = await database.query<{ id: number; price: number }>(
            'INSERT INTO orders (sku, price) VALUES ($1, $2) RETURNING id, price',
            [sku, price],
          );
          return rows[0];
        },
      },
    };
  },
});
