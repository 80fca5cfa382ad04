import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { problem, type Problem } from '../../core/error-codes.ts';
import {
  isSqlFiles,
  type MigrationFunction,
  type MigrationSource,
} from '../../core/migration-source.ts';
import type { CodeMigration, Migration } from './migration.ts';
import { readMigrationFolder } from './migration-files.ts';
import { hashFunction, identifyByName } from './migration-identity.ts';
import { readSqlFolder } from './sql-folder.ts';
import { letOthersRun } from '../sql/time-slices.ts';

/** The schemas of a plugin. They are known before its files are read. */
export interface PluginSchemas {
  /** The plugin's id. */
  readonly id: string;
  readonly schema: string;
  /** The schema of the history table: the same as `schema`, except for the host. */
  readonly historySchema: string;
  /** The schemas that it may have had under earlier ids. */
  readonly previousSchemas: readonly string[];
}

/** One plugin with its migrations, as the survey and the migrator take it. */
export interface PluginMigrations extends PluginSchemas {
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
  if (isSqlFiles(source)) return readSqlFolder(plugin, toPath(source.folder));
  if (typeof source === 'string' || source instanceof URL) {
    return readMigrationFolder(plugin, toPath(source));
  }
  return toMigrations(source);
}

/** The functions of a plugin as migrations. */
export function toMigrations(functions: readonly MigrationFunction[]): readonly CodeMigration[] {
  return functions.map((each) => ({
    ...identifyByName(each.name),
    name: each.name,
    hash: hashFunction(each.name),
    run: (client, context) => each.run(client, context),
    transaction: each.transaction !== false,
  }));
}

interface MigratingPlugin {
  readonly id: string;
  readonly migrations?: MigrationSource | undefined;
}

/**
 * Finds folders that are the migrations of two plugins, whichever path leads there. A bundler makes them when each plugin has
 * `new URL('./drizzle', import.meta.url)`: in one bundle both are the same folder, and each schema would get the tables of one
 * plugin.
 */
export async function findSharedFolders(
  plugins: readonly MigratingPlugin[],
): Promise<readonly Problem[]> {
  const first = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { id, migrations } of plugins) {
    const folder = await resolveFolder(migrations);
    if (folder === undefined) continue;
    const other = first.get(folder);
    if (other === undefined) first.set(folder, id);
    else problems.push(sharedFolder(id, other, folder));
  }
  return problems;
}

/**
 * Finds the folder of a source.
 *
 * @returns undefined for functions, and for a folder that cannot be found, which is reported when it is read.
 */
export async function resolveFolder(
  migrations: MigrationSource | undefined,
): Promise<string | undefined> {
  const folder = isSqlFiles(migrations) ? migrations.folder : migrations;
  if (typeof folder !== 'string' && !(folder instanceof URL)) return undefined;
  await letOthersRun();
  try {
    return realpathSync.native(toPath(folder));
  } catch {
    return undefined;
  }
}

function sharedFolder(plugin: string, other: string, folder: string): Problem {
  const message = `The migrations of ${plugin} and of ${other} are one folder: ${folder}`;
  return problem('MIGRATION_FILES_INVALID', message, {
    plugin,
    hint: 'Give each plugin a folder of its own. In one bundle, new URL("./drizzle", import.meta.url) is the same place for all of them.',
  });
}

/** A folder as a path. */
function toPath(folder: URL | string): string {
  return folder instanceof URL ? fileURLToPath(folder) : folder;
}
