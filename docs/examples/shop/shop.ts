import type { Pool } from 'pg';
import pino from 'pino';
import { createBoot, provide } from 'slipway';
import type { Boot, Logger, Plugin } from 'slipway';
import { renderIndexPage } from './http/index-page.ts';
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

/** In no order at all: what each needs says when it comes. */
export const plugins: readonly Plugin[] = [
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
  /** Silent unless given. */
  readonly logger?: Logger;
  /** TCP port of the HTTP server; a free one unless given. */
  readonly port?: number;
}

export interface Shop {
  readonly boot: Boot;
  /** Listens once the boot is ready, and closes before it stops. */
  readonly server: ShopServer;
}

/**
 * Puts the shop together; nothing runs yet.
 *
 * @example
 * const { boot, server } = createShop({ pool });
 * await boot.start();
 * console.log(await server.listen());
 */
export function createShop({
  pool,
  logger = pino({ enabled: false }),
  port = 0,
}: ShopOptions): Shop {
  const routes = new RouteTable();
  const boot = createBoot({
    pool,
    plugins,
    services: [provide(router, ({ plugin }) => routes.routerFor(plugin))],
    logger,
  });
  const indexPage = (): string =>
    renderIndexPage(plugins.map(describePlugin).toSorted(byId), routes.all);
  return { boot, server: createShopServer({ routes, indexPage, logger, port }) };
}

function describePlugin({ id, deps = {}, required = true }: Plugin) {
  const needs = Object.values(deps)
    .map((ref) => ref.id)
    .filter((service) => service !== router.id);
  return { id, needs, optional: !required };
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id.localeCompare(b.id);
}
