import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from '../../src/index.ts';
import { migrationFolder } from './migration-folder.ts';

/** The names of objects that drizzle-kit has made in `public`. */
export interface Snapshot {
  readonly tables?: readonly string[];
  readonly enums?: readonly string[];
  readonly sequences?: readonly string[];
  readonly views?: readonly string[];
}

/** Writes snapshots as drizzle-kit does, by the tags of the migrations, into the folder of these migrations. */
export async function writeSnapshots(
  folder: string,
  snapshots: Readonly<Record<string, Snapshot>>,
  format: '0.x' | '1.x' = '0.x',
): Promise<void> {
  for (const [tag, snapshot] of Object.entries(snapshots)) {
    const [path, content] =
      format === '0.x'
        ? [join(folder, 'meta', `${tag.split('_', 1)[0]}_snapshot.json`), keyed(snapshot)]
        : [join(folder, tag, 'snapshot.json'), listed(snapshot)];
    await writeFile(path, JSON.stringify(content, null, 2));
  }
}

/** Makes a plugin with one migration and its snapshot. */
export async function pluginWithSnapshot(
  id: string,
  sql: string,
  snapshot?: Snapshot,
): Promise<Plugin> {
  const migrations = await migrationFolder({ '0000_init': sql });
  if (snapshot) await writeSnapshots(migrations, { '0000_init': snapshot });
  return { id, migrations };
}

function keyed({ tables = [], enums = [], sequences = [], views = [] }: Snapshot): object {
  const group = (names: readonly string[], more: object = {}): object =>
    Object.fromEntries(names.map((name) => [`public.${name}`, { name, ...more }]));
  return {
    version: '7',
    dialect: 'postgresql',
    tables: group(tables, { columns: {}, indexes: {} }),
    enums: group(enums),
    sequences: group(sequences),
    views: group(views, { isExisting: false }),
  };
}

function listed(snapshot: Snapshot): object {
  const ddl = Object.entries(snapshot).flatMap(([entityType, names]) =>
    (names as readonly string[]).map((name) => ({ entityType, schema: 'public', name })),
  );
  return { version: '8', dialect: 'postgres', ddl };
}
