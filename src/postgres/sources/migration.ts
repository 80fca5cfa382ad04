import type { MigrationFunction } from '../../core/migration-source.ts';
import { namesInPublic } from '../sql/public-names.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { FileRefusal } from './formats/file-format.ts';
import type { FolderSnapshots } from './folder-snapshots.ts';
import type { ReplacedRange } from './name-range.ts';

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
  /**
   * Answers which names in `public` are the plugin's own. Left out of a file that neither drizzle-kit nor Prisma has written: only
   * these write `"public".` without meaning it.
   */
  readonly snapshots?: Pick<FolderSnapshots, 'ownAmong'>;
  /** Where drizzle-kit keeps what the schema is after this migration; the file may be missing. */
  readonly snapshotPath?: string;
  /** Set for a file that runs again when its text has changed, after all migrations that run once. */
  readonly repeatable?: true;
  /** The files that it stands for, which the folder no longer has; left out when it replaces none. */
  readonly replaces?: readonly ReplacedRange[];
  /** Why a file that was written for another tool cannot run. It may be applied already. */
  readonly refusal?: FileRefusal;
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

/** Whether a migration runs again when its text has changed. */
export function isRepeatable(migration: object): boolean {
  return 'repeatable' in migration;
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
