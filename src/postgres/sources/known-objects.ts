import { readFile } from 'node:fs/promises';
import { mapBounded } from '../../core/map-bounded.ts';
import { parseSnapshot, type SnapshotObject } from './drizzle-snapshot.ts';
import { readDirectives } from '../sql/migration-directives.ts';
import { isSql, type Migration } from './migration.ts';
import { namesInSql } from '../sql/names-in-sql.ts';

/** Files read at once; more only wait for the same disk. */
export const readersAtOnce = 16;

/** What the schema has after these files, as their newest snapshot tells. */
export async function lastObjects(files: readonly Migration[]): Promise<readonly SnapshotObject[]> {
  for (const file of files.toReversed()) {
    const objects = await readObjects(file);
    if (objects) return objects;
  }
  return [];
}

/** Every name that these files may have to do with: by all their snapshots, and by {@link unknownNames}. */
export async function allNames(files: readonly Migration[]): Promise<readonly string[]> {
  const snapshots = await mapBounded(files, readersAtOnce, readObjects);
  const known = snapshots.flatMap((objects) => (objects ?? []).map(({ name }) => name));
  return [...known, ...(await unknownNames(files))];
}

/**
 * Every word of files that no snapshot describes, or that may make what none knows of. What a function has made, nobody
 * knows.
 */
export async function unknownNames(files: readonly Migration[]): Promise<readonly string[]> {
  const names = await mapBounded(files.filter(isSql), readersAtOnce, async (file) => {
    const mayMakeMore = readDirectives(file.text).known.has('allow-outside');
    const isDescribed = !mayMakeMore && (await readObjects(file)) !== undefined;
    return isDescribed ? [] : namesInSql(file.text);
  });
  return names.flat();
}

/** @returns undefined when there is no snapshot that can be read: a guess is for others to make. */
async function readObjects(file: Migration): Promise<readonly SnapshotObject[] | undefined> {
  const snapshotPath = isSql(file) ? file.snapshotPath : undefined;
  if (snapshotPath === undefined) return undefined;
  try {
    return parseSnapshot(await readFile(snapshotPath, 'utf8'));
  } catch {
    return undefined;
  }
}
