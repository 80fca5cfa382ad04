import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import type { Pool } from 'pg';
import { createBoot, getPluginSchemaName, type Plugin } from 'slipway';
import { migrationsOf } from './generated-plugins.ts';

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

/**
 * The limit: the same SQL and nothing else, without order, history or check, over as many connections as Slipway takes. A
 * plugin is one message, and so one transaction.
 */
export async function sendRaw(pool: Pool, plugins: readonly Plugin[]): Promise<number> {
  const startedAt = performance.now();
  const left = [...plugins];
  const send = async (): Promise<void> => {
    const client = await pool.connect();
    for (let plugin = left.shift(); plugin; plugin = left.shift()) {
      const schema = getPluginSchemaName(plugin.id);
      const folder = migrationsOf(plugin);
      const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted();
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
      const place = `CREATE SCHEMA "${schema}"; SET LOCAL search_path = "${schema}"`;
      await client.query([place, ...texts].join(';\n'));
    }
    client.release();
  };
  await Promise.all(Array.from({ length: connections }, send));
  return performance.now() - startedAt;
}

/** What `migrations.concurrency` is unless it is told. */
const connections = 4;

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
