import type { MigrationFunction } from '../../core/migration-source.ts';
import { namesInPublic } from '../sql/public-names.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { FolderSnapshots } from './folder-snapshots.ts';

/** The names and numbers of a migration in messages and in the history. */
export interface MigrationIdentity {
  /** Its name in messages: `0000_init.sql`, `20240102030405_init/migration.sql`, or the name of a function. */
  readonly name: string;
  /** The `name` of its history row in the table of Drizzle 1.x: `20240102030405_init`. */
  readonly historyName: string;
  /** The `created_at` of its history row, in ms since 1970: when it was generated, or a number that stands for its name. */
  readonly when: number;
  /** SHA-256 of the text, as Drizzle computes it; of a function, a number that stands for its name. */
  readonly hash: string;
  /** The version of Drizzle whose history table is made when this is the first migration. */
  readonly format: '0.x' | '1.x';
}

/** A migration that is a text. */
export interface SqlMigration extends MigrationIdentity {
  /** The text of the file. It is read once, when the first question about it is asked. */
  readonly sql: SqlText;
  /** The snapshots of its folder. Left out of a file that drizzle-kit has not written: only drizzle-kit writes `"public".` without meaning it. */
  readonly snapshots?: FolderSnapshots;
  /** Where drizzle-kit keeps what the schema is after this migration; the file may be missing. */
  readonly snapshotPath?: string;
}

/** A migration that is a function. */
export interface CodeMigration extends MigrationIdentity {
  readonly run: MigrationFunction['run'];
  readonly transaction: boolean;
}

/** One step in the making of a plugin's schema. */
export type Migration = SqlMigration | CodeMigration;

export function isSql(migration: Migration): migration is SqlMigration {
  return 'sql' in migration;
}

/** Reads the SQL of long files before the first question about it, in slices of the event loop. */
export async function readLongTexts(files: readonly Migration[]): Promise<void> {
  for (const file of files) if (isSql(file)) await file.sql.readInSlices();
}

/**
 * The names behind `"public".` in a file that are the plugin's own.
 *
 * @throws BootError `MIGRATION_FILES_INVALID` for a snapshot that is needed and cannot be read
 */
export async function ownNames({
  sql,
  snapshots,
}: Pick<SqlMigration, 'sql' | 'snapshots'>): Promise<ReadonlySet<string> | 'all'> {
  const names = snapshots ? namesInPublic(sql) : new Set<string>();
  return names.size > 0 && snapshots ? snapshots.ownAmong(names) : new Set();
}
