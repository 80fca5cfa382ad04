import {
  createBoot,
  examine,
  type BootOptions,
  type Check,
  type CheckId,
  type Examination,
  type ExamineOptions,
} from '../../src/index.ts';
import type { Database } from './database.ts';
import { migrationFolder } from './migration-folder.ts';

/** Returns one check of an examination. */
export function findCheck(id: CheckId, { checks }: Examination): Check {
  const found = checks.find((each) => each.id === id);
  if (!found) throw new Error(`The examination has no check ${id}`);
  return found;
}

/** Examines a host, and returns one check. */
export async function check(
  id: CheckId,
  options: BootOptions,
  how?: ExamineOptions,
): Promise<Check> {
  return findCheck(id, await examine(options, how));
}

/** The migrations of {@link migrateCatalog}. */
export const catalogFiles = { '0000_items': 'CREATE TABLE items (id int PRIMARY KEY, name text);' };

/** Migrates a host with the plugin catalog. Returns its options, and the folder of its migrations. */
export async function migrateCatalog(
  database: Database,
): Promise<{ readonly options: BootOptions; readonly folder: string }> {
  const folder = await migrationFolder(catalogFiles);
  const options = { pool: database.url, plugins: [{ id: 'catalog', migrations: folder }] };
  await createBoot(options).migrate();
  return { options, folder };
}
