import type { DrizzleConfig } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { createScopedPool, type ScopedPoolOptions } from './scoped-pool.ts';

/** Drizzle on a plugin's schema, with relational queries. The name is that of Checkstack. */
export type SafeDatabase<S extends Record<string, unknown>> = NodePgDatabase<S>;

/** The options of {@link createScopedDb}. */
export interface ScopedDbOptions<S> extends ScopedPoolOptions {
  /** The tables and relations, for `query`. */
  readonly schema: S;
}

/**
 * Creates a Drizzle database on the schema of a plugin, with the connections of another Drizzle database. See
 * `createScopedPool`.
 *
 * @example const db = createScopedDb(drizzle({ client: pool }), 'plugin_catalog', { schema });
 */
export function createScopedDb<S extends Record<string, unknown>>(
  base: { readonly $client: Pool },
  schemaName: string,
  options: ScopedDbOptions<S>,
): SafeDatabase<S>;
export function createScopedDb<S extends Record<string, unknown>>(
  base: { readonly $client: Pool },
  schemaName: string,
  options?: ScopedPoolOptions,
): Omit<SafeDatabase<S>, 'query'>;
export function createScopedDb<S extends Record<string, unknown>>(
  { $client }: { readonly $client: Pool },
  schemaName: string,
  options: Partial<ScopedDbOptions<S>> = {},
): SafeDatabase<S> {
  const pool = createScopedPool($client, schemaName, options);
  return openDrizzle(pool, options.schema ?? ({} as S));
}

/**
 * Creates a Drizzle database on the schema of a plugin: tables are named without their schema, and every query runs under the
 * plugin's `search_path`, on the connections of `pool`, in one round trip. See `createScopedPool`.
 *
 * Takes Drizzle's own options as well: `schema` with tables and relations for `query` (0.4x), `relations` (1.x), `logger`,
 * `casing`, `cache`.
 *
 * @throws BootError `OPTIONS_INVALID` when `pool` is not a pg.Pool, or its pg is too old
 * @example const db = createScopedDatabase(pool, 'plugin_catalog', { schema });
 */
export function createScopedDatabase<S extends Record<string, unknown> = Record<string, never>>(
  pool: Pool,
  schemaName: string,
  options: ScopedPoolOptions & DrizzleConfig<S> = {},
): NodePgDatabase<S> & { readonly $client: Pool } {
  const { extensionSchemas, ...config } = options;
  const client = createScopedPool(pool, schemaName, extensionSchemas && { extensionSchemas });
  return drizzle<S>({ ...config, client });
}

/** Creates a Drizzle database with its tables on a scoped pool. */
export function openDrizzle<S extends Record<string, unknown>>(
  client: Pool,
  schema: S,
): SafeDatabase<S> {
  return drizzle({ client, schema });
}
