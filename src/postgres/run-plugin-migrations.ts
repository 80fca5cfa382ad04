import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PoolClient } from 'pg';
import type { ClientLike } from './connection/connection.ts';
import { checkOut } from './connection/held-client.ts';
import { checkSomePool } from './connection/source-check.ts';
import { quoteIdentifier } from './sql/identifier.ts';
import { toError } from '../core/error-record.ts';

/** The config of Drizzle's own `migrate()`. */
export interface DrizzleMigrationConfig {
  readonly migrationsFolder: string;
  readonly migrationsSchema: string;
}

/** The options of {@link runPluginMigrations}. */
export interface RunPluginMigrationsOptions<Client extends ClientLike, Db> {
  /** Where the client comes from. */
  readonly pool: { connect(): Promise<Client> };
  /** The folder that drizzle-kit writes. */
  readonly migrationsFolder: string;
  /** The schema in which they run, and which has the history; it is made when it is not there. */
  readonly migrationsSchema: string;
  /**
   * Makes the database that `migrate` gets.
   *
   * @default (client) => drizzle({ client })
   */
  readonly createMigrationDb?: (client: Client) => Db;
  /**
   * Applies the migrations.
   *
   * @default `migrate` of drizzle-orm/node-postgres/migrator
   */
  readonly migrate?: (db: Db, config: DrizzleMigrationConfig) => Promise<unknown>;
}

/**
 * Runs Drizzle's own `migrate()` in a schema, on one client of the pool: for code that migrates one plugin by itself.
 *
 * It takes no lock and is not safe to run in several processes at once; `createBoot` is. Afterwards, also on failure, the
 * `search_path` is `public`; a client where even that fails is destroyed.
 *
 * @throws what `migrate` throws, unchanged; BootError `OPTIONS_INVALID` when `pool` is none.
 * @example await runPluginMigrations({ pool, migrationsFolder: './drizzle', migrationsSchema: 'plugin_catalog' });
 */
export async function runPluginMigrations<Client extends ClientLike, Db = NodePgDatabase>(
  options: RunPluginMigrationsOptions<Client, Db>,
): Promise<void> {
  const { pool, migrationsFolder, migrationsSchema } = options;
  checkSomePool(pool, 'pool');
  const held = await checkOut(pool);
  const client = held.client as Client;
  try {
    const schema = quoteIdentifier(migrationsSchema);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(`SET search_path = ${schema}`);
    const { createMigrationDb, migrate } = await withDefaults(options);
    await migrate(createMigrationDb(client), { migrationsFolder, migrationsSchema });
  } finally {
    held.giveBack(await resetSearchPath(client));
  }
}

/** drizzle-orm's migrator is loaded only where it is needed: a boot applies migrations by itself. */
async function withDefaults<Client extends ClientLike, Db>({
  createMigrationDb,
  migrate,
}: RunPluginMigrationsOptions<Client, Db>): Promise<{
  createMigrationDb: (client: Client) => Db;
  migrate: (db: Db, config: DrizzleMigrationConfig) => Promise<unknown>;
}> {
  if (createMigrationDb && migrate) return { createMigrationDb, migrate };
  const [{ drizzle }, migrator] = await Promise.all([
    import('drizzle-orm/node-postgres'),
    import('drizzle-orm/node-postgres/migrator'),
  ]);
  return {
    createMigrationDb:
      createMigrationDb ?? ((client) => drizzle({ client: client as unknown as PoolClient }) as Db),
    migrate: migrate ?? ((db, config) => migrator.migrate(db as NodePgDatabase, config)),
  };
}

/** @returns the error when the client must not go back into the pool. */
async function resetSearchPath(client: ClientLike): Promise<Error | undefined> {
  try {
    await client.query('SET search_path = public');
  } catch (error) {
    return toError(error);
  }
  // A transaction that was left open would take the reset with it when it is rolled back.
  const status = client.getTransactionStatus?.() ?? 'I';
  return status === 'I' ? undefined : new Error('The migration left a transaction open');
}
