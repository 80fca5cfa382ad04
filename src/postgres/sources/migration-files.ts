import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BootError } from '../../core/errors.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { FolderSnapshots } from './folder-snapshots.ts';
import { listJournal } from './journal-folder.ts';
import { refusalFor, type Refuse } from './migration-files-error.ts';
import { isMissing, readText } from './read-text.ts';
import { listTimestampFolders, type ListedMigration } from './timestamp-folder.ts';
import { listNames } from '../../core/printable.ts';
import { SqlText } from '../sql/sql-text.ts';

/** One migration as drizzle-kit wrote it. */
export interface MigrationFile extends Omit<ListedMigration, 'path' | 'snapshotPath'> {
  /** SHA-256 of the text, as Drizzle computes it. */
  readonly hash: string;
  readonly text: string;
  readonly sql: SqlText;
  /** The snapshots of its folder; none is read before a pending file needs it. */
  readonly snapshots: FolderSnapshots;
  /** Where drizzle-kit keeps what the schema is after this migration; the file may be missing. */
  readonly snapshotPath?: string;
}

interface MigrationFolder {
  readonly folder: string;
  /** In the order in which they run. */
  readonly files: readonly MigrationFile[];
}

/**
 * Reads a folder of drizzle-kit: of 0.x, `meta/_journal.json` and the files it names; of 1.x, a folder
 * `<timestamp>_<name>` for each migration. A journal without entries is nothing to do.
 *
 * @param folder An absolute path.
 * @throws BootError `MIGRATION_FILES_INVALID`
 * @example const { files } = await readMigrationFolder('catalog', fileURLToPath(new URL('./drizzle', import.meta.url)));
 */
export async function readMigrationFolder(
  plugin: string,
  folder: string,
): Promise<MigrationFolder> {
  const refuse = refusalFor(plugin);
  await checkFolder(folder, refuse);
  const listed = await list(folder, refuse);
  const texts = await readTexts(folder, listed, refuse);
  const inFolders = listed.filter(({ format }) => format === '1.x');
  const paths = inFolders.map(({ snapshotPath }) => snapshotPath);
  const snapshots = new FolderSnapshots(folder, paths, refuse);
  const files = listed.map(({ name, tag, when, historyName, format, snapshotPath }, index) => {
    const text = texts[index] ?? '';
    const identity = { name, tag, when, historyName, format, snapshotPath };
    return { ...identity, hash: hashOf(text), text, sql: new SqlText(text), snapshots };
  });
  return { folder, files };
}

/** As Drizzle computes it. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
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

async function list(folder: string, refuse: Refuse): Promise<readonly ListedMigration[]> {
  const journal = await listJournal(folder, refuse);
  const folders = await listTimestampFolders(folder, refuse);
  if (journal && folders.length > 0) {
    throw refuse(`${folder} has a journal of drizzle-kit 0.x and ${folders[0]?.name} of 1.x`, {
      hint: 'Run drizzle-kit up to its end, or restore the folder from version control.',
    });
  }
  if (journal) return journal;
  if (folders.length > 0) return folders;
  throw refuse(
    `${join(folder, 'meta', '_journal.json')} cannot be read, and no <timestamp>_<name>/migration.sql is there`,
    {
      hint: 'Run drizzle-kit generate, and commit and ship all it writes, with meta/ if it has one.',
    },
  );
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
