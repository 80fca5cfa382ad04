/** Plugins of both forms whose databases are Drizzle's, and the databases themselves. */
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { definePlugin, createScopedPool } from 'slipway';
import { createBackendPlugin, createScopedDb, runPluginMigrations } from 'slipway/checkstack';
import type { SafeDatabase } from 'slipway/checkstack';

export const items = pgTable('items', { id: integer('id') });
const schema = { items };

export const stock = definePlugin({
  id: 'stock',
  database: (pool) => drizzle({ client: pool, schema }),
  init: async ({ database }) => void (await database.query.items.findFirst()),
});

export const orders = createBackendPlugin({
  metadata: { pluginId: 'orders' },
  register: (env) =>
    env.registerInit({
      schema,
      init: async ({ database }) => void (await database.query.items.findFirst()),
    }),
});

export const countItems = async (database: SafeDatabase<typeof schema>) => database.$count(items);

type Pool = Parameters<typeof createScopedPool>[0];
export const scopedPool = (pool: Pool) => createScopedPool(pool, 'plugin_stock');
export const scopedDb = (pool: Pool) =>
  createScopedDb(drizzle({ client: pool }), 'plugin_stock', { schema });
export const migrateAlone = runPluginMigrations;
