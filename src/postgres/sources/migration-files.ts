import { BootError } from '../../core/errors.ts';
import { FolderSnapshots } from './folder-snapshots.ts';
import { listDrizzleFolder, type ListedMigration } from './drizzle-folder.ts';
import type { SqlMigration } from './migration.ts';
import { readPrismaFolder } from './prisma-folder.ts';
import { isMissing, readSql, type TextFile } from './read-text.ts';
import { refusalFor, type Refuse } from './refusal.ts';
import { listNames } from '../../core/printable.ts';

/**
 * Reads a folder of Prisma, or of drizzle-kit: of 0.x, `meta/_journal.json` and the files it names; of 1.x, a folder
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
  const ofPrisma = await readPrismaFolder(folder, refuse);
  if (ofPrisma) return ofPrisma;
  const listed = await listDrizzleFolder(folder, refuse);
  const texts = await readTexts(folder, listed, refuse);
  const inFolders = listed.filter(({ format }) => format === '1.x');
  const paths = inFolders.map(({ snapshotPath }) => snapshotPath);
  const snapshots = new FolderSnapshots(folder, paths, refuse);
  return listed.map(({ name, when, historyName, format, snapshotPath }, index) => {
    const { sql, hash } = texts[index] as TextFile;
    return { name, when, historyName, format, hash, sql, snapshots, snapshotPath };
  });
}

async function readTexts(
  folder: string,
  listed: readonly ListedMigration[],
  refuse: Refuse,
): Promise<readonly TextFile[]> {
  const read: TextFile[] = [];
  const missing: (readonly [name: string, error: BootError])[] = [];
  for (const { name, path } of listed) {
    try {
      read.push(await readSql(path, refuse));
    } catch (error) {
      if (!(error instanceof BootError) || !isMissing(error)) throw error;
      missing.push([name, error]);
    }
  }
  if (missing.length > 0) {
    throw refuse(
      `${folder} names ${listNames(missing.map(([name]) => name))}, which cannot be read`,
      {
        hint: 'Ship every file that drizzle-kit wrote, or restore it from version control.',
        cause: missing[0]?.[1].cause,
      },
    );
  }
  return read;
}
