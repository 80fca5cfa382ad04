import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { problem, type Problem } from '../../core/error-codes.ts';
import {
  isFolder,
  isMixed,
  isSqlFiles,
  listFolders,
  type MigrationFunction,
  type MigrationSource,
  type OneMigrationSource,
  type SqlFiles,
} from '../../core/migration-source.ts';
import { readFormatFolder } from './formats/read-format-folder.ts';
import { joinSources, type ReadSource } from './join-sources.ts';
import type { CodeMigration, Migration } from './migration.ts';
import { readMigrationFolder } from './migration-files.ts';
import { hashFunction, identifyByName } from './migration-identity.ts';
import { toRepeatable } from './repeatable-files.ts';
import { refusalFor } from './refusal.ts';
import { addReplacedNames } from './replaced-names.ts';
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
  /** The schemas that belong to it beside its own. */
  readonly furtherSchemas: readonly string[];
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
  const read: ReadSource[] = [];
  const sources = isMixed(source) ? source : [source];
  if (sources.length > 1) refuseTwice(plugin, await resolveFolders(source));
  for (const [index, each] of sources.entries()) {
    read.push({ name: nameSource(each, index), migrations: await readSource(plugin, each) });
  }
  return addReplacedNames(plugin, joinSources(plugin, read));
}

function refuseTwice(plugin: string, folders: readonly string[]): void {
  const twice = folders.find((folder, at) => folders.indexOf(folder) < at);
  if (twice === undefined) return;
  throw refusalFor(plugin)(`one folder is listed twice: ${twice}`, {
    hint: 'Remove one of the two. Files that run once and repeatable files need a folder each.',
  });
}

async function readSource(
  plugin: string,
  source: OneMigrationSource | MigrationFunction,
): Promise<ReadSource['migrations']> {
  if (isSqlFiles(source)) return readSqlFiles(plugin, source);
  if (isFolder(source)) return readMigrationFolder(plugin, toPath(source));
  return toMigrations('run' in source ? [source] : source);
}

async function readSqlFiles(
  plugin: string,
  { folder, repeatable, format = 'plain' }: SqlFiles,
): Promise<ReadSource['migrations']> {
  const path = toPath(folder);
  const files =
    format === 'plain'
      ? await readSqlFolder(plugin, path)
      : await readFormatFolder(plugin, path, format);
  return repeatable ? toRepeatable(files) : files;
}

function nameSource(source: OneMigrationSource | MigrationFunction, index: number): string {
  const [folder] = 'run' in Object(source) ? [] : listFolders(source as OneMigrationSource);
  const place = `migrations[${index}]`;
  return folder === undefined ? place : `${place} (${toPath(folder)})`;
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
    for (const folder of new Set(await resolveFolders(migrations))) {
      const other = first.get(folder);
      if (other === undefined) first.set(folder, id);
      else problems.push(sharedFolder(id, other, folder));
    }
  }
  return problems;
}

/** Finds the folders of a source. One that cannot be found is left out, and is reported when it is read. */
export async function resolveFolders(
  migrations: MigrationSource | undefined,
): Promise<readonly string[]> {
  const folders = listFolders(migrations);
  if (folders.length > 0) await letOthersRun();
  return folders.flatMap((folder) => {
    try {
      return realpathSync.native(toPath(folder));
    } catch {
      return [];
    }
  });
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
