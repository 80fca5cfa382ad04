import { mapBounded } from '../../core/map-bounded.ts';
import { readSnapshot, type SnapshotObject } from './folder-snapshots.ts';
import { readDirectives } from '../sql/file-marks.ts';
import { isSql, type Migration } from './migration.ts';
import { namesInSql } from '../sql/sql-names.ts';
import { readersAtOnce } from './read-text.ts';
import { refusalFor } from './refusal.ts';

/**
 * The objects of the schema after these files, by the newest snapshot of each folder. None when that one is broken: what an
 * older one has may be gone.
 */
export async function lastObjects(files: readonly Migration[]): Promise<readonly SnapshotObject[]> {
  const byFolder = new Map<unknown, readonly SnapshotObject[]>();
  for (const file of files.toReversed()) {
    const folder = isSql(file) ? file.snapshots : undefined;
    if (byFolder.has(folder)) continue;
    const objects = await readObjects(file);
    if (objects) byFolder.set(folder, objects === 'broken' ? [] : objects);
  }
  return Array.from(byFolder.values()).flat();
}

/** Every name that these files may have to do with: by all their snapshots, and by {@link unknownNames}. */
export async function allNames(files: readonly Migration[]): Promise<readonly string[]> {
  const snapshots = await mapBounded(files, readersAtOnce, readObjects);
  const known = snapshots.flatMap((objects) =>
    objects === 'broken' ? [] : (objects ?? []).map(({ name }) => name),
  );
  return [...known, ...(await unknownNames(files))];
}

/**
 * Every word of files that no snapshot describes, or that may make more than a snapshot has. What a function has made is not
 * known.
 */
export async function unknownNames(files: readonly Migration[]): Promise<readonly string[]> {
  const names = await mapBounded(files.filter(isSql), readersAtOnce, async (file) => {
    await file.sql.readInSlices();
    const mayMakeMore = readDirectives(file.sql).known.has('allow-outside');
    const isDescribed = !mayMakeMore && Array.isArray(await readObjects(file));
    return isDescribed ? [] : namesInSql(file.sql);
  });
  return names.flat();
}

/** @returns undefined when there is no snapshot. */
async function readObjects(
  file: Migration,
): Promise<readonly SnapshotObject[] | 'broken' | undefined> {
  const snapshotPath = isSql(file) ? file.snapshotPath : undefined;
  if (snapshotPath === undefined) return undefined;
  try {
    return await readSnapshot(snapshotPath, refusalFor(file.name));
  } catch {
    return 'broken';
  }
}
