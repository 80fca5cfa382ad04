import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createShop, type Shop } from '../../docs/examples/shop/shop.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { ask, type Answer } from '../http/listening.ts';
import { buySomething } from '../proofs/shop-customer.ts';
import { failureOf } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';

const db = useDatabase();

interface OpenShop extends Shop {
  readonly url: string;
}

let shops: Shop[] = [];

// Registered after useDatabase(), so that it runs before the look for connections that are left.
afterEach(async () => {
  const used = shops;
  shops = [];
  for (const { boot, server } of used) {
    await server.close();
    await boot.stop('the test is over');
  }
});

/** Puts a shop together whose server listens; it is closed and stopped after the test. */
async function listeningShop(fresh: Database): Promise<OpenShop> {
  const shop = createShop({ pool: fresh.pool() });
  shops.push(shop);
  const url = await shop.server.listen();
  return { ...shop, url };
}

async function openShop(fresh: Database): Promise<OpenShop> {
  const shop = await listeningShop(fresh);
  await shop.boot.start();
  return shop;
}

describe('the HTTP server of the shop', () => {
  test('answers from the first moment: alive, not ready, and whose turn it is; then it serves', async () => {
    const fresh = await db.fresh();
    await using lock = await holdLock(fresh.url, migrationLockKey('plugin_shipping'));
    const { boot, url } = await listeningShop(fresh);
    expect(await ask(`${url}/readyz`)).toMatchObject({ status: 503, body: { phase: 'idle' } });

    const isWaiting = new Promise((resolve) => boot.once('plugin.migrate.waiting', resolve));
    const started = boot.start();
    await Promise.race([isWaiting, started]);
    expect((await ask(`${url}/livez`)).status).toBe(200);
    expect(await ask(`${url}/startupz`)).toMatchObject({ status: 503, body: { code: 'STARTING' } });
    const early = await ask(`${url}/api/shipping/parcels`);
    expect(early).toMatchObject({
      status: 503,
      body: { code: 'STARTING', phase: 'migrateAll', plugin: { id: 'shipping', step: 'migrate' } },
    });
    expect(early.headers.get('retry-after')).toBe('5');
    expect((await ask(url)).status).toBe(503);

    await lock.release();
    await started;
    expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200, body: { code: 'READY' } });
    expect((await ask(`${url}/api/shipping/parcels`)).status).toBe(401);
    expect((await ask(`${url}/api/nobody/knows`)).status).toBe(404);
  });

  test("shows the shop's name from the host's own table, and of each plugin where it is from", async () => {
    const fresh = await db.fresh();
    const { url } = await openShop(fresh);
    await fresh.query(`UPDATE public.shop_settings SET value = 'Ship & Shop' WHERE key = 'name'`);
    const page = String((await ask(url)).body);
    expect(page).toContain('<h1>Ship &#38; Shop</h1>');
    expect(page).toContain('11 plugins');
    expect(sectionOf(page, 'reviews')).toContain('found in the package @shop/reviews');
    expect(sectionOf(page, 'reviews')).toMatch(/uses [^<]*shipping/);
    expect(sectionOf(page, 'catalog')).not.toContain('found in');
  });
});

describe('the plugins that are packages', () => {
  test('are found, registered, and serve: what was paid for is delivered, and can then be reviewed', async () => {
    const fresh = await db.fresh();
    const { url } = await openShop(fresh);
    const { rows } = await fresh.query(
      'SELECT id, package, version, enabled FROM slipway.plugins WHERE package IS NOT NULL ORDER BY id',
    );
    expect(rows).toEqual([
      { id: 'reviews', package: '@shop/reviews', version: '1.0.0', enabled: true },
      { id: 'shipping', package: '@shop/shipping', version: '1.3.0', enabled: true },
    ]);

    const { post, get } = await customerOf(url);
    const [mug] = (await get('/api/catalog/products')).body as readonly { id: string }[];
    const review = { stars: 5, words: 'Survived every storm.' };
    expect((await post(`/api/reviews/products/${mug?.id}`, review)).status).toBe(403);

    await buySomething(url);
    const parcel = await untilDelivered(() => get('/api/shipping/parcels'));
    expect(parcel.tracking.map(({ status }) => status)).toEqual([
      'packing',
      'shipped',
      'delivered',
    ]);
    const { rows: lines } = await fresh.query<{ product_id: string }>(
      'SELECT product_id FROM plugin_shipping.parcel_lines',
    );
    const product = `/api/reviews/products/${lines[0]?.product_id}`;
    expect((await post(product, review)).status).toBe(201);
    expect((await post(product, review)).status).toBe(409);
    expect((await get(product)).body).toMatchObject([{ ...review, author: 'Carla Customer' }]);
  });

  test('can be switched off: the next boot skips it, its routes answer 503, and the rest serves', async () => {
    const fresh = await db.fresh();
    const first = createShop({ pool: fresh.pool() });
    await first.boot.migrate();
    await fresh.query(`UPDATE slipway.plugins SET enabled = false WHERE id = 'shipping'`);

    const { boot, url } = await openShop(fresh);
    const skipped = boot.report().plugins.filter(({ init }) => init.outcome === 'skipped');
    expect(skipped.map(({ id, init }) => [id, init.because])).toEqual([
      ['reviews', 'shipping is disabled'],
      ['shipping', 'it is disabled in slipway.plugins'],
    ]);
    for (const id of ['shipping', 'reviews']) {
      expect(await ask(`${url}/api/${id}/anything`)).toMatchObject({
        status: 503,
        body: { code: 'PLUGIN_NOT_UP', plugin: { id, state: 'skipped' } },
      });
    }
    expect((await ask(`${url}/api/catalog/products`)).status).toBe(200);
    const page = String((await ask(url)).body);
    expect(sectionOf(page, 'shipping')).toContain('disabled');
  });

  test('keep the shop from booting when one that they cannot do without is switched off, and say so', async () => {
    const fresh = await db.fresh();
    await createShop({ pool: fresh.pool() }).boot.migrate();
    await fresh.query(`UPDATE slipway.plugins SET enabled = false WHERE id = 'orders'`);
    const error = await failureOf(createShop({ pool: fresh.pool() }).boot.start());
    expect(error.problems?.map(({ message }) => message)).toEqual([
      'billing needs orders.api from orders, which is disabled',
      'shipping needs orders.api from orders, which is disabled',
    ]);
  });
});

function sectionOf(page: string, plugin: string): string {
  return page.split('<section>').find((section) => section.includes(`<h2>${plugin}</h2>`)) ?? '';
}

interface Requests {
  readonly get: (path: string) => Promise<Answer>;
  readonly post: (path: string, body: object) => Promise<Answer>;
}

/** Signs the demo's customer in. */
async function customerOf(url: string): Promise<Requests> {
  const account = JSON.stringify({ email: 'customer@shop.example', password: 'ahoy' });
  const { body } = await ask(`${url}/api/auth/sessions`, { method: 'POST', body: account });
  const headers = { authorization: `Bearer ${(body as { token: string }).token}` };
  return {
    get: (path) => ask(`${url}${path}`, { headers }),
    post: (path, content) =>
      ask(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(content) }),
  };
}

interface Parcel {
  readonly status: string;
  readonly tracking: readonly { readonly status: string }[];
}

/** Asks again until the courier has been there. */
async function untilDelivered(look: () => Promise<Answer>): Promise<Parcel> {
  for (;;) {
    const [parcel] = (await look()).body as readonly Parcel[];
    if (parcel?.status === 'delivered') return parcel;
    await pause(20);
  }
}
