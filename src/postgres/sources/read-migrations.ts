import { fileURLToPath } from 'node:url';
import { isSqlFiles, type MigrationSource } from '../../core/migration-source.ts';
import type { Migration } from './migration.ts';
import { readMigrationFolder } from './migration-files.ts';
import { toMigrations } from './named-migration.ts';
import { readSqlFolder } from './sql-folder.ts';

/** One plugin with its migrations, as the survey and the migrator take it. */
export interface PluginMigrations {
  /** The plugin's id. */
  readonly id: string;
  readonly schema: string;
  /** The schema of the history table: the same as `schema`, except for the host. */
  readonly historySchema: string;
  /** The schemas that it may have had under earlier ids. */
  readonly previousSchemas: readonly string[];
  readonly files: readonly Migration[];
}

/**
 * Reads the migrations of a plugin, wherever they come from, in the order in which they run.
 *
 * @throws BootError `MIGRATION_FILES_INVALID`
 */
export async function readMigrations(
  plugin: string,
  source: MigrationSource,
): Promise<readonly Migration[]> {
  if (isSqlFiles(source)) return readSqlFolder(plugin, pathOf(source.folder));
  if (typeof source === 'string' || source instanceof URL) {
    return (await readMigrationFolder(plugin, pathOf(source))).files;
  }
  return toMigrations(source);
}

/** A folder as a path. */
export function pathOf(folder: URL | string): string {
  return folder instanceof URL ? fileURLToPath(folder) : folder;
}
