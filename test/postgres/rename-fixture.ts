import { expect } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import type { Survey } from '../../src/postgres/survey/survey.ts';
import type { PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import type { Database, FileDatabase } from '../support/database.ts';
import { migrateOptions, pluginWith, type Migrations, takeSurvey } from './migration-fixture.ts';

export const init: Migrations = { '0000_init': 'create table items (name text)' };
export const later: Migrations = { ...init, '0001_more': 'alter table items add column price int' };

/** A plugin that had other ids before. */
export async function called(
  id: string,
  previous: readonly string[] = [],
  migrations = init,
): Promise<PluginMigrations> {
  const previousSchemas = previous.map((each) => `plugin_${each}`);
  return { ...(await pluginWith(id, migrations)), previousSchemas };
}

export async function look(
  database: Database,
  ...plugins: readonly PluginMigrations[]
): Promise<Survey> {
  const pool = database.pool({ connectionString: database.url });
  try {
    return await withPinnedClient(
      pool,
      { clock: systemClock, signal: new AbortController().signal },
      (client) => takeSurvey(client, plugins),
    );
  } finally {
    await pool.end();
  }
}

export async function migrate(
  database: Database,
  plugin: PluginMigrations,
): Promise<readonly string[]> {
  const pool = database.pool();
  const options = migrateOptions();
  const result = await migratePlugin(pool, plugin, options);
  await pool.end();
  expect(result.status).toBe('done');
  return options.told.flatMap((news) =>
    news.type === 'plugin.migrate.renamed' ? [`${news.from} → ${news.to}`] : [],
  );
}

/** A database in which the plugin `inventory` has an item. */
export async function withInventory(db: FileDatabase): Promise<Database> {
  const fresh = await db.fresh();
  await migrate(fresh, await called('inventory'));
  await fresh.query(`insert into plugin_inventory.items values ('kept')`);
  return fresh;
}

export async function schemasOf({
  query,
}: Database): Promise<readonly (readonly [string, string])[]> {
  const { rows } = await query<{ name: string; comment: string | null }>(
    `select nspname::text as name, obj_description(oid, 'pg_namespace') as comment
     from pg_namespace where nspname like 'plugin%' order by 1`,
  );
  return rows.map(({ name, comment }) => [name, comment ?? '']);
}
