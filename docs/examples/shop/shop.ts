import type { Pool } from 'pg';
import pino from 'pino';
import { createBoot, provide } from 'slipway';
import type { Boot, BootOptions, Logger, Plugin } from 'slipway';
import { gate, probes } from 'slipway/http';
import { renderIndexPage } from './http/index-page.ts';
import { listPlugins } from './http/plugin-list.ts';
import { RouteTable, router } from './http/routes.ts';
import { createShopServer } from './http/server.ts';
import type { ShopServer } from './http/server.ts';
import { audit } from './plugins/audit/index.ts';
import { auth } from './plugins/auth/index.ts';
import { billing } from './plugins/billing/index.ts';
import { catalog } from './plugins/catalog/index.ts';
import { inventory } from './plugins/inventory/index.ts';
import { mail } from './plugins/mail/index.ts';
import { notifications } from './plugins/notifications/index.ts';
import { orders } from './plugins/orders/index.ts';
import { search } from './plugins/search/index.ts';
import { readShopName } from './settings.ts';

/** The shop's own, in no order at all: what each needs says when it comes. Those in `packages/` are found. */
export const shopPlugins: readonly Plugin[] = [
  search,
  billing,
  orders,
  notifications,
  inventory,
  mail,
  catalog,
  audit,
  auth,
];

export interface ShopOptions {
  /** Stays the caller's: the shop does not end it. */
  readonly pool: Pool;
  /** Those of `shopPlugins` unless given. */
  readonly plugins?: readonly Plugin[];
  /** Silent unless given. */
  readonly logger?: Logger;
  /** TCP port of the HTTP server; a free one unless given. */
  readonly port?: number;
}

export interface Shop {
  readonly boot: Boot;
  /** May listen before the boot starts: it answers 503 for a plugin that is not up. */
  readonly server: ShopServer;
}

/** All of the shop but its database: for `createShop()`, and for the command line. */
export function describeShop(routes: RouteTable): Omit<BootOptions, 'pool'> {
  return {
    plugins: shopPlugins,
    discover: { root: new URL('.', import.meta.url) },
    host: { migrations: new URL('./drizzle', import.meta.url) },
    services: [provide(router, ({ plugin }) => routes.routerFor(plugin))],
  };
}

/**
 * Puts the shop together; nothing runs yet.
 *
 * @example
 * const { boot, server } = createShop({ pool });
 * console.log(await server.listen());
 * await boot.start();
 */
export function createShop({
  pool,
  plugins = shopPlugins,
  logger = pino({ enabled: false }),
  port = 0,
}: ShopOptions): Shop {
  const routes = new RouteTable();
  const boot = createBoot({ ...describeShop(routes), pool, plugins, logger });
  const listed = listPlugins(boot);
  const server = createShopServer({
    front: [probes(boot), gate(boot, { pluginOf: '/api/' })],
    routes,
    indexPage: async () =>
      renderIndexPage({
        shopName: await readShopName(pool),
        plugins: listed(),
        routes: routes.all,
      }),
    logger,
    port,
  });
  return { boot, server };
}
