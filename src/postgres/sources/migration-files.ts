import { stat } from 'node:fs/promises';
import { BootError } from '../../core/errors.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { FolderSnapshots } from './folder-snapshots.ts';
import { listDrizzleFolder, type ListedMigration } from './drizzle-folder.ts';
import type { SqlMigration } from './migration.ts';
import { hashText } from './migration-identity.ts';
import { isMissing, readText, refusalFor, type Refuse } from './read-text.ts';
import { listNames } from '../../core/printable.ts';
import { SqlText } from '../sql/sql-text.ts';

/**
 * Reads a folder of drizzle-kit: of 0.x, `meta/_journal.json` and the files it names; of 1.x, a folder
 * `<timestamp>_<name>` for each migration. A journal without entries is nothing to do.
 *
 * @param folder An absolute path.
 * @throws BootError `MIGRATION_FILES_INVALID`
 * @example const files = await readMigrationFolder('catalog', fileURLToPath(new URL('./drizzle', import.meta.url)));
 */
export async function readMigrationFolder(
  plugin: string,
  folder: string,
): Promise<readonly SqlMigration[]> {
  const refuse = refusalFor(plugin);
  await checkFolder(folder, refuse);
  const listed = await listDrizzleFolder(folder, refuse);
  const texts = await readTexts(folder, listed, refuse);
  const inFolders = listed.filter(({ format }) => format === '1.x');
  const paths = inFolders.map(({ snapshotPath }) => snapshotPath);
  const snapshots = new FolderSnapshots(folder, paths, refuse);
  return listed.map(({ name, when, historyName, format, snapshotPath }, index) => {
    const text = texts[index] ?? '';
    const identity = { name, when, historyName, format, hash: hashText(text) };
    return { ...identity, text, sql: new SqlText(text), snapshots, snapshotPath };
  });
}

/** @throws what `refuse` makes when there is no such folder. */
export async function checkFolder(folder: string, refuse: Refuse): Promise<void> {
  const found = await stat(folder).catch((cause: unknown) => {
    throw refuse(`the folder ${folder} cannot be read`, {
      hint: 'Correct the path, and ship the folder with the plugin (bundlers leave it out).',
      cause,
    });
  });
  if (!found.isDirectory()) {
    throw refuse(`${folder} is not a folder`, {
      hint: 'Give the folder that the migrations are in (the `out` of drizzle-kit), not a file in it.',
    });
  }
}

async function readTexts(
  folder: string,
  listed: readonly ListedMigration[],
  refuse: Refuse,
): Promise<readonly string[]> {
  const read = await mapBounded(listed, 1, ({ path }) =>
    readText(path, refuse).catch((error: unknown) => {
      if (error instanceof BootError) return error;
      throw error;
    }),
  );
  const failed = read.filter((each) => each instanceof BootError);
  const unusable = failed.find((error) => !isMissing(error));
  if (unusable) throw unusable;
  const missing = listed.filter((_, index) => read[index] instanceof BootError);
  if (missing.length > 0) {
    throw refuse(
      `${folder} names ${listNames(missing.map(({ name }) => name))}, which cannot be read`,
      {
        hint: 'Ship every file that drizzle-kit wrote, or restore it from version control.',
        cause: failed[0]?.cause,
      },
    );
  }
  return read.filter((each) => typeof each === 'string');
}
