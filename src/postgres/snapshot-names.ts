import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The parts of a drizzle-kit 0.x snapshot that hold named things; keys read `public.users`. */
interface Snapshot {
  readonly tables?: Readonly<Record<string, { readonly indexes?: object }>>;
  readonly enums?: object;
  readonly sequences?: object;
  readonly views?: object;
}

const prefix = 'public.';

/**
 * The names of everything that any snapshot of a migrations folder has in `public`: those are the plugin's own. All
 * snapshots count, because a migration may still name what it drops or renames.
 *
 * @returns undefined when there is no snapshot.
 * @throws when one cannot be read: with a part of the names, the rest would be left in public.
 */
export async function readSnapshotNames(folder: string): Promise<ReadonlySet<string> | undefined> {
  const meta = join(folder, 'meta');
  const names = (await readdir(meta)).filter((name) => name.endsWith('_snapshot.json'));
  const texts = await Promise.all(names.map((name) => readFile(join(meta, name), 'utf8')));
  const snapshots = texts.map((text) => JSON.parse(text) as Snapshot);
  return snapshots.length > 0 ? new Set(snapshots.flatMap(namesInPublic)) : undefined;
}

function namesInPublic({ tables = {}, enums, sequences, views }: Snapshot): readonly string[] {
  const named = [tables, enums, sequences, views].flatMap((group) => Object.keys(group ?? {}));
  const indexes = Object.entries(tables)
    .filter(([key]) => key.startsWith(prefix))
    .flatMap(([, table]) => Object.keys(table.indexes ?? {}));
  return [
    ...named.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
    ...indexes,
  ];
}
