import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { createBoot } from 'slipway';
import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { salesApi, salesByDay, salesPlugin } from './sales.ts';

let postgres: PostgresServer;
let pool: Pool;

beforeAll(async () => {
  postgres = await startPostgres({ from: 'local' }); // new and empty, whatever DATABASE_URL says
  pool = new Pool({ connectionString: postgres.url });
}, 60_000);

afterAll(async () => {
  await pool.end();
  await postgres.stop();
});

test('what the plugin sells is in the schema that the reporting tool reads', async () => {
  await using boot = createBoot({ pool, plugins: [salesPlugin] });
  await boot.start();
  const api = boot.services.get(salesApi);
  await api.sell('2026-05-01', 500);
  await api.sell('2026-05-01', 700);
  const rows = await drizzle({ client: pool }).select().from(salesByDay);
  expect(rows).toEqual([{ day: '2026-05-01', cents: 1200 }]);

  await using again = createBoot({ pool, plugins: [salesPlugin] });
  const [plan] = (await again.plan()).plugins;
  expect(plan).toMatchObject({ schema: 'plugin_sales', pending: [] });
});
