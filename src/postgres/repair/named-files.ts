import { didYouMean } from '../../core/suggest.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { repairRefused } from './repair-error.ts';
import { listNames } from '../../core/printable.ts';

/**
 * Finds the files of a plugin with these names, in the order of the folder. A name is that of the file, or of its migration:
 * `0000_init.sql` or `0000_init`.
 *
 * @throws BootError `REPAIR_REFUSED` for a name that the folder lacks
 */
export function filesNamed(
  { id, files }: Pick<PluginMigrations, 'id' | 'files'>,
  names: readonly string[],
): readonly Migration[] {
  const chosen = new Set(names.map((name) => fileNamed(id, files, name)));
  return files.filter((file) => chosen.has(file));
}

/** Finds the files up to the one with this name, inclusive. */
export function filesUpTo(
  { id, files }: Pick<PluginMigrations, 'id' | 'files'>,
  last: string,
): readonly Migration[] {
  return files.slice(0, files.indexOf(fileNamed(id, files, last)) + 1);
}

function fileNamed(id: string, files: readonly Migration[], wanted: string): Migration {
  const found = files.find((file) => namesOf(file).includes(wanted));
  if (found) return found;
  const meant = didYouMean(wanted, files.flatMap(namesOf));
  const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw repairRefused(
    id,
    `its folder has no migration ${wanted}.${advice}`,
    `It has ${listNames(files.map(({ name }) => name)) || 'none'}.`,
  );
}

/** Lists the names of a migration: in messages, without the file extension, and in the history. */
function namesOf({ name, historyName }: Migration): readonly string[] {
  return [name, name.replace(/(?:\/migration)?\.sql$/i, ''), historyName];
}
