import { describe, expect, test, vi } from 'vitest';
import { wishlist } from '../../docs/examples/shop/grow/wishlist/index.ts';
import { createShop } from '../../docs/examples/shop/shop.ts';
import type { LaunchReport } from '../../src/core/report.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { ask } from '../http/listening.ts';
import { useDatabase } from '../support/database.ts';
import { recordEvents } from '../support/event-recorder.ts';
import { applicationNames, untilFound } from '../support/server-sessions.ts';
import { buySomething } from './shop-customer.ts';
import { startShop } from './shop-process.ts';

// Twenty customers take their time on a machine that is busy.
vi.setConfig({ testTimeout: 240_000 });

const db = useDatabase();
const stretches = [
  'before',
  'the wishlist is added',
  'with the wishlist',
  'the wishlist is removed',
  'without it',
  'the wishlist is added again',
  'with it again',
];

describe('npm run demo -- --grow', () => {
  test('adds a twelfth plugin while twenty customers shop, removes it, adds it again: no error, every wish kept, exit code 0', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ args: ['--grow'], databaseUrl: fresh.url });
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    const { output } = shop;
    expect(output).toMatch(/20 customers made \d+ purchases, the slowest in \d+ ms: 0 errors/);
    const rows = stretches.map((name) => readRow(output, name));
    for (const { purchases, errors } of rows) {
      expect(purchases).toBeGreaterThanOrEqual(20);
      expect(errors).toBe(0);
    }
    const [before, , withIt, , without, , again] = rows;
    expect(before).toMatchObject({ wishes: 0 });
    expect(withIt?.wishes).toBeGreaterThan(0);
    expect(without?.none).toBeGreaterThan(0);
    expect(again?.wishes).toBeGreaterThan(0);
    const [, found, left] = /came back with (\d+) of (\d+) wishes/.exec(output) ?? [];
    expect(Number(left)).toBeGreaterThan(0);
    expect(found).toBe(left);
    const { rows: history } = await fresh.query(
      'SELECT count(*)::int AS files FROM plugin_wishlist.__drizzle_migrations',
    );
    expect(history).toEqual([{ files: 2 }]);
    expect(await applicationNames(fresh)).toEqual([]);
  });

  test('closes at Ctrl-C while the plugin waits for its migration lock: no customer sees an error, exit code 0', async () => {
    const fresh = await db.fresh();
    await using lock = await holdLock(fresh.url, migrationLockKey('plugin_wishlist'));
    const shop = startShop({ args: ['--grow'], databaseUrl: fresh.url });
    await shop.prints(/wishlist +waits for .*pid \d+/);
    shop.kill('SIGINT');
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    expect(shop.output).toMatch(/: 0 errors\n +The shop was closed before the end/);
    expect(readRow(shop.output, 'the wishlist is added').errors).toBe(0);
    await lock.release();
    expect(await applicationNames(fresh)).toEqual([]);
  });
});

test('twenty customers buy while a plugin comes and goes three times, and none of them sees an error', async () => {
  const fresh = await db.fresh();
  // As many as a server of a shop has: twenty customers and a migration share them.
  const { boot, server } = createShop({ pool: fresh.pool({ max: 10 }) });
  const recording = recordEvents(boot);
  const url = await server.listen();
  await boot.start();
  // All of them want the same rope, and it must not be sold out.
  await fresh.query('UPDATE plugin_inventory.stock_levels SET on_hand = 100000');
  const closing = new AbortController();
  let purchases = 0;
  const failures: unknown[] = [];
  let noteEnd = (): void => {};
  const shopOn = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await buySomething(url).then(
        () => (purchases += 1),
        (error: unknown) => failures.push(error),
      );
      noteEnd();
    }
  };
  /** Resolves when the purchase of some customer has ended from now on, well or not. */
  const nextPurchase = (): Promise<void> => new Promise((resolve) => (noteEnd = resolve));

  const customers = Promise.all(Array.from({ length: 20 }, shopOn));
  const wish = () => ask(`${url}/api/wishlist/wishes`);
  /** The first time the plugin waits for its lock: the shop sells meanwhile, and only the plugin is closed. */
  const addSlowly = async (): Promise<LaunchReport> => {
    await using lock = await holdLock(fresh.url, migrationLockKey('plugin_wishlist'));
    const waits = new Promise((resolve) => boot.once('plugin.migrate.waiting', resolve));
    const adding = boot.add(wishlist);
    await waits;
    await nextPurchase();
    expect(await wish()).toMatchObject({
      status: 503,
      body: { code: 'STARTING', plugin: { id: 'wishlist', step: 'migrate' } },
    });
    await lock.release();
    return adding;
  };
  const useAndRemove = async ({ plugins }: LaunchReport): Promise<readonly string[]> => {
    await nextPurchase();
    // It asks who the customer is.
    expect((await wish()).status).toBe(401);
    expect((await ask(url)).body).toContain('12 plugins');
    await boot.remove('wishlist');
    expect(await wish()).toMatchObject({ status: 503, body: { code: 'PLUGIN_NOT_UP' } });
    expect((await ask(url)).body).toContain('11 plugins');
    await nextPurchase();
    return plugins.flatMap(({ applied }) => applied);
  };
  try {
    expect((await wish()).status).toBe(404);
    const files = ['0000_wishes.sql', '0001_product_index.sql'];
    expect(await useAndRemove(await addSlowly())).toEqual(files);
    for (let again = 2; again <= 3; again += 1) {
      expect(await useAndRemove(await boot.add(wishlist))).toEqual([]);
    }
  } finally {
    closing.abort();
    await customers;
    await server.close();
    await boot.stop();
  }
  expect(failures).toEqual([]);
  expect(purchases).toBeGreaterThanOrEqual(20);
  expect(recording.of('launch.finished').map(({ outcome }) => outcome)).toEqual([
    'ready',
    'ready',
    'ready',
  ]);
  expect(recording.of('removal.finished').map(({ outcome }) => outcome)).toEqual([
    'done',
    'done',
    'done',
  ]);
  const { rows } = await fresh.query(
    `SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 'paid')::int AS paid FROM plugin_orders.orders`,
  );
  expect(rows).toEqual([{ orders: purchases, paid: purchases }]);
  recording.check();
});

test('a wish that is under way when the wishlist is removed is kept and answered', async () => {
  const fresh = await db.fresh();
  const { boot, server } = createShop({ pool: fresh.pool() });
  const url = await server.listen();
  await boot.start();
  await boot.add(wishlist);
  const products = (await ask(`${url}/api/catalog/products`)).body as readonly { id: string }[];
  const account = JSON.stringify({ email: 'customer@shop.example', password: 'ahoy' });
  const { body } = await ask(`${url}/api/auth/sessions`, { method: 'POST', body: account });

  // The wish waits for the sessions of auth, before it has sent anything to its own database.
  const holder = await fresh.pool().connect();
  await holder.query('BEGIN; LOCK TABLE plugin_auth.sessions');
  const wish = ask(`${url}/api/wishlist/wishes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${(body as { token: string }).token}` },
    body: JSON.stringify({ productId: products[0]?.id }),
  });
  await untilFound(
    fresh,
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  const stopping = new Promise((resolve) => boot.once('plugin.stop.started', resolve));
  const removing = boot.remove('wishlist');
  await stopping;
  expect((await ask(`${url}/api/wishlist/wishes`)).status).toBe(503);
  await holder.query('COMMIT');
  holder.release();
  expect((await wish).status).toBe(201);
  expect(await removing).toMatchObject({ outcome: 'done' });
  const { rows } = await fresh.query('SELECT product_id FROM plugin_wishlist.wishes');
  expect(rows).toEqual([{ product_id: products[0]?.id }]);
  await server.close();
  await boot.stop();
});

/** Reads what the customers did in one stretch from the account. */
function readRow(output: string, name: string) {
  const [, cells = ''] = new RegExp(`^ {2}${name} {2,}(.*)$`, 'm').exec(output) ?? [];
  const [purchases = 0, , wishes = 0, none = 0, errors = -1] = [...cells.matchAll(/\d+/g)].map(
    Number,
  );
  return { purchases, wishes, none, errors };
}
