import type { Pool } from 'pg';
import { createRepair } from 'slipway';
import { orders, toName } from './knex.ts';

/** Run once for each database that Knex has migrated: what `knex_migrations` has counts as applied, and the rest is pending. */
export async function adoptKnex(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    'SELECT name FROM plugin_orders.knex_migrations ORDER BY id',
  );
  const repair = createRepair({ pool, plugins: [orders] });
  const names = rows.map(({ name }) => toName(name));
  const { changes } = await repair.markApplied('orders', names);
  return changes.map(({ name }) => name);
}
