import type { PoolClient } from 'pg';
import { isRecord } from './foreign-value.ts';

/**
 * The pinned client, as a migration that is a function sees it. `query` takes texts and pg's query configs, one after the
 * other, and runs nothing once `run` has settled. `release` does nothing: it is there for libraries that give back what
 * they took. Cursors and streams are refused.
 */
export type MigrationClient = Pick<PoolClient, 'query' | 'release'>;

/** The second argument of a migration that is a function. */
export interface MigrationContext {
  /** Aborted when the boot is stopped: what runs on the client is cancelled then anyway. */
  readonly signal: AbortSignal;
  /** The schema of the plugin, first on the search_path. */
  readonly schema: string;
}

/**
 * A migration that is a function: for Kysely, node-pg-migrate, or what SQL alone cannot do.
 *
 * @example { name: '0001-init', run: (client) => client.query('CREATE TABLE notes (id int PRIMARY KEY)') }
 */
export interface MigrationFunction {
  /** Its name in the history, unique in its list: a function that gets another name runs again. */
  readonly name: string;
  /** Migrates, in a transaction that is Slipway's. What fails in it fails the migration, also when `run` catches it. */
  run(client: MigrationClient, context: MigrationContext): unknown;
  /** `false` runs it outside of a transaction; then it must do no harm when it runs again after half of it. */
  readonly transaction?: false;
}

/** A folder of plain SQL files; made by {@link sqlFiles}. */
export interface SqlFiles {
  readonly kind: 'sqlFiles';
  /** A `file:` URL or an absolute path. */
  readonly folder: URL | string;
}

/** The source of a plugin's migrations: the folder drizzle-kit writes, a folder of plain SQL files, or a list of functions. */
export type MigrationSource = URL | string | SqlFiles | readonly MigrationFunction[];

/**
 * Names a folder of plain SQL files, `0001_init.sql`, `0002_more.sql` …, as a plugin's migrations. They run in the order of
 * the numbers that their names begin with, then of their names. Nothing is read before a boot or a plan.
 *
 * @param folder A `file:` URL or an absolute path; in a discovered package also a path relative to it.
 * @example definePlugin({ id: 'catalog', migrations: sqlFiles(new URL('./sql', import.meta.url)) });
 */
export function sqlFiles(folder: URL | string): SqlFiles {
  return Object.freeze({ kind: 'sqlFiles', folder });
}

/** The same source, with its folder as `change` makes it; what is no source stays what it is, for the check to refuse. */
export function mapFolder(
  source: MigrationSource,
  change: (folder: URL | string) => URL | string,
): MigrationSource {
  if (typeof source === 'string' || source instanceof URL) return change(source);
  return isSqlFiles(source) ? sqlFiles(change(source.folder)) : source;
}

export function isSqlFiles(source: unknown): source is SqlFiles {
  return isRecord(source) && 'kind' in source;
}
