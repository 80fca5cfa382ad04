import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSnapshot } from './drizzle-snapshot.ts';
import type { ListedMigration } from './timestamp-folder.ts';

/**
 * The names of everything that any snapshot of a migrations folder has in `public`: those are the plugin's own. All
 * snapshots count, because a migration may still name what it drops or renames.
 *
 * @returns undefined when there is no snapshot.
 * @throws when one cannot be read: with a part of the names, the rest would be left in public.
 */
export async function readSnapshotNames(
  folder: string,
  migrations: readonly ListedMigration[],
): Promise<ReadonlySet<string> | undefined> {
  const paths = [
    ...(await snapshotsIn(join(folder, 'meta'))),
    ...migrations
      .filter(({ format }) => format === '1.x')
      .map(({ snapshotPath }) => snapshotPath)
      .filter((path) => existsSync(path)),
  ];
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  const objects = texts.flatMap(parseSnapshot);
  return texts.length > 0 ? new Set(objects.map(({ name }) => name)) : undefined;
}

async function snapshotsIn(meta: string): Promise<readonly string[]> {
  if (!existsSync(meta)) return [];
  const names = await readdir(meta);
  return names.filter((name) => name.endsWith('_snapshot.json')).map((name) => join(meta, name));
}
