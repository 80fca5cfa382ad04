import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { createScopedPool, type ScopedPoolOptions } from './scoped-pool.ts';

/** Drizzle on a plugin's schema: the whole of it, relational queries included. Checkstack's name for it. */
export type SafeDatabase<S extends Record<string, unknown>> = NodePgDatabase<S>;

/** The options of {@link createScopedDb}. */
export interface ScopedDbOptions<S> extends ScopedPoolOptions {
  /** The tables and relations, for `query`. */
  readonly schema: S;
}

/**
 * Puts Drizzle on the schema of a plugin, on the connections of another Drizzle database. See `createScopedPool`.
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

/** Drizzle with its tables, on a pool that is scoped already. */
export function openDrizzle<S extends Record<string, unknown>>(
  client: Pool,
  schema: S,
): SafeDatabase<S> {
  return drizzle({ client, schema });
}
