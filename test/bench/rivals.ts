import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import type { Pool } from 'pg';
import { createBoot, getPluginSchemaName, type Plugin } from 'slipway';

/** Boots the plugins and returns how long that took, in ms; the way down is not counted. */
export type Rival = (pool: Pool, plugins: readonly Plugin[]) => Promise<number>;

/** Ours: as a host does it, with every default. */
export async function bootWithSlipway(pool: Pool, plugins: readonly Plugin[]): Promise<number> {
  const startedAt = performance.now();
  const boot = createBoot({ pool, plugins });
  await boot.start();
  const ms = performance.now() - startedAt;
  await boot.stop();
  return ms;
}

/**
 * The way we measure against, as Checkstack's backend 0.13 boots: every plugin's migrations one after another, each with
 * Drizzle's `migrate()` on a client of its own, then every init. The plugins come sorted, and nothing is checked, locked or
 * reported: all that is left out is in its favor.
 */
export async function bootInTwoPasses(pool: Pool, plugins: readonly Plugin[]): Promise<number> {
  const startedAt = performance.now();
  for (const { id, migrations } of plugins) {
    if (typeof migrations === 'string') await migratePinned(pool, id, migrations);
  }
  for (const plugin of plugins) await plugin.init?.({});
  return performance.now() - startedAt;
}

async function migratePinned(pool: Pool, id: string, migrationsFolder: string): Promise<void> {
  const migrationsSchema = getPluginSchemaName(id);
  const client = await pool.connect();
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS "${migrationsSchema}"`);
    await client.query(`SET search_path = "${migrationsSchema}"`);
    await migrate(drizzle({ client }), { migrationsFolder, migrationsSchema });
  } finally {
    await client.query('SET search_path = public');
    client.release();
  }
}
