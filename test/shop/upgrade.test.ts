import { describe, expect, test, vi } from 'vitest';
import { createShop } from '../../docs/examples/shop/shop.ts';
import { startBusyWorkers } from '../../docs/examples/shop/upgrade/busy-workers.ts';
import {
  findMisplaced,
  readPlacedObjects,
} from '../../docs/examples/shop/upgrade/placed-objects.ts';
import { startShop } from '../proofs/shop-process.ts';
import { useDatabase } from '../support/database.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();

describe('npm run demo -- --upgrade', () => {
  test('upgrades the shop under twenty busy workers: none fails, every object is in its place, exit code 0', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ args: ['--upgrade'], databaseUrl: fresh.url });
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    const { output } = shop;
    expect(output).toMatch(/The previous version is installed: 30 migrations/);
    expect(output).toMatch(/The upgrade applied 23 migrations/);
    expect(output).toMatch(/^ {2}billing +0003_reminders\.sql, 0004_mark_overdue\.sql$/m);
    const [, queries = '0'] =
      /20 workers sent (\d+) queries meanwhile: 0 failures/.exec(output) ?? [];
    expect(Number(queries)).toBeGreaterThan(20);
    expect(output).toContain('Every object is in the schema of its plugin');

    const plan = await createShop({ pool: fresh.pool() }).boot.plan();
    expect(plan.plugins.flatMap(({ pending }) => pending)).toEqual([]);
  });

  test('leaves a database alone that has the shop already, with exit code 1', async () => {
    const fresh = await db.fresh();
    await createShop({ pool: fresh.pool() }).boot.migrate();
    const shop = startShop({ args: ['--upgrade'], databaseUrl: fresh.url });
    expect(await shop.ended).toEqual({ code: 1, signal: null });
    expect(shop.output).toContain('--upgrade and --show need an empty one');
  });
});

test('the upgrade finds an object that is in public, and one that nobody knows', async () => {
  const fresh = await db.fresh();
  const pool = fresh.pool();
  await createShop({ pool }).boot.migrate();
  expect(await findMisplaced(await readPlacedObjects(pool))).toEqual([]);

  await fresh.query('ALTER TYPE plugin_auth.user_role SET SCHEMA public');
  await fresh.query('CREATE TABLE plugin_mail.stray (id int)');
  expect(await findMisplaced(await readPlacedObjects(pool))).toEqual([
    'user_role is not in plugin_auth',
    'stray is in plugin_mail, where no plugin declares it',
    'user_role is in public, where no plugin declares it',
  ]);
});

test('the workers of the upgrade count what fails, and say whose it was', async () => {
  const fresh = await db.fresh();
  await fresh.query('CREATE SCHEMA plugin_a CREATE TABLE here (id int)');
  const tables = ['here', 'gone'].map((table) => ({ schema: 'plugin_a', table }));
  const { queries, failures } = await startBusyWorkers(fresh.pool(), tables, 2).stop();
  expect(queries).toBe(4);
  expect(failures).toEqual(
    Array.from({ length: 2 }, () => 'plugin_a: relation "gone" does not exist'),
  );
});
