import { describe, expect, test, vi } from 'vitest';
import { createShop } from '../../docs/examples/shop/shop.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { recordEvents } from '../support/event-recorder.ts';
import { buySomething } from './shop-customer.ts';
import { startShop, type ShopProcess } from './shop-process.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const pluginIds = [
  'audit',
  'auth',
  'billing',
  'catalog',
  'host',
  'inventory',
  'mail',
  'notifications',
  'orders',
  'reviews',
  'search',
  'shipping',
];

describe('npm run demo', () => {
  test('with --once brings its own PostgreSQL, prints the boot table and its address, stops and exits with 0', async () => {
    const shop = startShop({ args: ['--once'] });
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    const [, table] = /\n {2}plugin .*\n((?: {2}\S.*\n)+)/.exec(shop.output) ?? [];
    expect(firstWords(table).toSorted()).toEqual(pluginIds);
    expect(shop.output).toMatch(
      /\n {2}ready after .*\n {2}The shop is open: http:\/\/127\.0\.0\.1:\d+\n/,
    );
    expect(stoppedBy(shop).toSorted()).toEqual(pluginIds);
  });

  test('serves a customer, and stops in reverse order at SIGINT with exit code 0', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ databaseUrl: fresh.url });
    const [, url = ''] = await shop.prints(/The shop is open: (\S+)\n.*Ctrl-C/);
    await buySomething(url);
    shop.kill('SIGINT');
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    await expectReverseOrder(stoppedBy(shop), fresh);
  });

  test('interrupted while it waits for a migration lock stops there, with exit code 130', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    const holder = await pool.connect();
    await holder.query('SELECT pg_advisory_lock($1)', [String(migrationLockKey('plugin_auth'))]);
    const shop = startShop({ databaseUrl: fresh.url });
    await shop.prints(/auth +waits for .*pid \d+/);
    shop.kill('SIGINT');
    expect(await shop.ended).toEqual({ code: 130, signal: null });
    expect(shop.output).toContain('BOOT_CANCELED: The boot was stopped in migrateAll: SIGINT');
    expect(shop.output).not.toMatch(/started|The shop is open/);
    holder.release(true);
  });

  test('interrupted before it is ready stops in reverse order what had started, with exit code 130', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    await createShop({ pool }).boot.migrate();
    const holder = await pool.connect();
    // The ready hook of auth looks for its users.
    await holder.query('BEGIN; LOCK TABLE plugin_auth.users');
    const shop = startShop({ databaseUrl: fresh.url });
    await shop.prints(/billing +started/);
    await untilSomeoneWaits(fresh);
    shop.kill('SIGINT');
    await shop.prints(/stop SIGINT/);
    await holder.query('COMMIT');
    holder.release();
    expect(await shop.ended).toEqual({ code: 130, signal: null });
    expect(shop.output).toContain('BOOT_CANCELED: The boot was stopped in initAll: SIGINT');
    expect(shop.output).not.toContain('The shop is open');
    await expectReverseOrder(stoppedBy(shop), fresh);
  });
});

test('the shop boots twice on one database, and the second time there is nothing to migrate', async () => {
  const fresh = await db.fresh();
  for (const outcome of ['done', 'upToDate']) {
    const { boot, server } = createShop({ pool: fresh.pool() });
    const recording = recordEvents(boot);
    const plan = await boot.plan();
    const report = await boot.start();
    expect(report.outcome).toBe('ready');
    expect(recording.outcomes('migrate')).toEqual(
      Object.fromEntries(pluginIds.map((id) => [id, outcome])),
    );
    expect(report.plugins.map(({ applied }) => applied)).toEqual(
      plan.plugins.map(({ pending }) => pending.map(({ file }) => file)),
    );
    expect(report.database?.statements === 3).toBe(outcome === 'upToDate');
    await buySomething(await server.listen());
    await server.close();
    await boot.stop();
    recording.check();
  }
  const { rows } = await fresh.query('SELECT count(*)::int AS orders FROM plugin_orders.orders');
  expect(rows).toEqual([{ orders: 2 }]);
});

/** The plugins as the output names them while they stop, in that order. */
function stoppedBy({ output }: ShopProcess): readonly string[] {
  return [...output.matchAll(/✔ (\S+) +stopped/g)].map(([, id]) => String(id));
}

/** Each plugin once, and none before those that depend on it. */
async function expectReverseOrder(stopped: readonly string[], fresh: Database): Promise<void> {
  expect(stopped.toSorted()).toEqual(pluginIds);
  const { edges } = await createShop({ pool: fresh.pool() }).boot.plan();
  expect(edges.length).toBeGreaterThan(pluginIds.length);
  for (const { from, to, reason } of edges) {
    expect(stopped.indexOf(to), reason).toBeLessThan(stopped.indexOf(from));
  }
}

function firstWords(lines = ''): readonly string[] {
  return [...lines.matchAll(/^ +(\S+)/gm)].map(([, word]) => String(word));
}

/** Resolves once some session waits for a table. */
async function untilSomeoneWaits({ query }: Database): Promise<void> {
  for (;;) {
    const { rows } = await query(
      `SELECT 1 FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'relation'`,
    );
    if (rows.length > 0) return;
  }
}
