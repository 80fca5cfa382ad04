import { realpath } from 'node:fs/promises';
import { problem, type Problem } from '../../core/error-codes.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { isSqlFiles, type MigrationSource } from '../../core/migration-source.ts';
import { pathOf } from './read-migrations.ts';
import { readersAtOnce } from './read-text.ts';

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
  const folders = await mapBounded(plugins, readersAtOnce, async ({ id, migrations }) => {
    return { id, folder: await resolveFolder(migrations) };
  });
  const first = new Map<string, string>();
  return folders.flatMap(({ id, folder }) => {
    if (folder === undefined) return [];
    const other = first.get(folder);
    if (other === undefined) first.set(folder, id);
    return other === undefined ? [] : [sharedFolder(id, other, folder)];
  });
}

/** @returns undefined for functions, and for a folder that cannot be found, which is reported when it is read. */
async function resolveFolder(migrations: MigrationSource | undefined): Promise<string | undefined> {
  const folder = isSqlFiles(migrations) ? migrations.folder : migrations;
  if (typeof folder !== 'string' && !(folder instanceof URL)) return undefined;
  return realpath(pathOf(folder)).catch(() => undefined);
}

function sharedFolder(plugin: string, other: string, folder: string): Problem {
  const message = `The migrations of ${plugin} and of ${other} are one folder: ${folder}`;
  return problem('MIGRATION_FILES_INVALID', message, {
    plugin,
    hint: 'Give each plugin a folder of its own. In one bundle, new URL("./drizzle", import.meta.url) is the same place for all of them.',
  });
}
