import { join } from 'node:path';
import { mapBounded } from '../../core/map-bounded.ts';
import { SqlText } from '../sql/sql-text.ts';
import { compareVersions } from './file-order.ts';
import type { SqlMigration } from './migration.ts';
import { checkFolder, hashOf } from './migration-files.ts';
import { refusalFor, type Refuse } from './migration-files-error.ts';
import { identityOf } from './named-migration.ts';
import { listFolder, readText } from './read-text.ts';
import { findUndoFile } from './undo-files.ts';

const suffix = /\.sql$/i;

/**
 * Reads a folder of plain SQL files: every `.sql` in it, in the order of the numbers that the names begin with, then of the
 * names. Other files and folders in it are left alone.
 *
 * @param folder An absolute path.
 * @throws BootError `MIGRATION_FILES_INVALID`
 */
export async function readSqlFolder(
  plugin: string,
  folder: string,
): Promise<readonly SqlMigration[]> {
  const refuse = refusalFor(plugin);
  await checkFolder(folder, refuse);
  const entries = await listFolder(folder, refuse);
  const tags = new Map<string, string>();
  for (const { name } of entries) {
    if (suffix.test(name)) addTag(tags, name, folder, refuse);
  }
  checkTags([...tags.keys()], folder, refuse);
  const sorted = [...tags].toSorted(([one], [other]) => compareVersions(one, other));
  return mapBounded(sorted, 1, async ([tag, name]) => {
    const text = await readText(join(folder, name), refuse);
    return { ...identityOf(tag), name, hash: hashOf(text), text, sql: new SqlText(text) };
  });
}

function addTag(tags: Map<string, string>, name: string, folder: string, refuse: Refuse): void {
  const tag = name.replace(suffix, '');
  const other = tags.get(tag);
  if (other !== undefined) {
    throw refuse(`${other} and ${name} in ${folder} are one name in the history`, {
      hint: 'Rename the one that is not yet applied anywhere.',
    });
  }
  tags.set(tag, name);
}

function checkTags(tags: readonly string[], folder: string, refuse: Refuse): void {
  if (tags.length === 0) {
    throw refuse(`${folder} has no .sql file`, {
      hint: 'Ship the files with the plugin (builds leave them out). If there are none, remove its migrations.',
    });
  }
  const undo = findUndoFile(tags);
  if (undo) {
    throw refuse(`${join(folder, `${undo.tag}.sql`)} undoes a migration, and would run as one`, {
      hint: `${undo.tool === undefined ? '' : `Its name is that of an undo migration of ${undo.tool}. `}Move it to another folder: Slipway does not undo migrations.`,
    });
  }
}
