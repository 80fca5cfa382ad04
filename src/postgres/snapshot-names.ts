import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ListedMigration } from './timestamp-folder.ts';

/** The parts of a drizzle-kit 0.x snapshot that hold named things; keys read `public.users`. */
interface KeyedSnapshot {
  readonly tables?: Readonly<Record<string, { readonly indexes?: object }>>;
  readonly enums?: object;
  readonly sequences?: object;
  readonly views?: object;
}

/** A drizzle-kit 1.x snapshot: one list of everything. */
interface ListedSnapshot {
  readonly ddl: readonly {
    readonly entityType: string;
    readonly schema?: string;
    readonly name?: string;
  }[];
}

const prefix = 'public.';
const qualified = new Set(['tables', 'enums', 'sequences', 'views', 'indexes']);

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
      .map(({ path }) => join(dirname(path), 'snapshot.json'))
      .filter((path) => existsSync(path)),
  ];
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  const snapshots = texts.map((text) => JSON.parse(text) as KeyedSnapshot | ListedSnapshot);
  return snapshots.length > 0 ? new Set(snapshots.flatMap(namesInPublic)) : undefined;
}

async function snapshotsIn(meta: string): Promise<readonly string[]> {
  if (!existsSync(meta)) return [];
  const names = await readdir(meta);
  return names.filter((name) => name.endsWith('_snapshot.json')).map((name) => join(meta, name));
}

function namesInPublic(snapshot: KeyedSnapshot | ListedSnapshot): readonly string[] {
  return 'ddl' in snapshot ? namesInList(snapshot) : namesInKeys(snapshot);
}

function namesInList({ ddl }: ListedSnapshot): readonly string[] {
  return ddl.flatMap(({ entityType, schema, name }) =>
    schema === 'public' && name !== undefined && qualified.has(entityType) ? [name] : [],
  );
}

function namesInKeys({ tables = {}, enums, sequences, views }: KeyedSnapshot): readonly string[] {
  const named = [tables, enums, sequences, views].flatMap((group) => Object.keys(group ?? {}));
  const indexes = Object.entries(tables)
    .filter(([key]) => key.startsWith(prefix))
    .flatMap(([, table]) => Object.keys(table.indexes ?? {}));
  return [
    ...named.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
    ...indexes,
  ];
}
