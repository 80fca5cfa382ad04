import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sqlFiles, type Boot, type SqlFiles } from '../../src/index.ts';
import type { Database } from '../support/database.ts';
import { migrationFolder, temporaryFolder } from '../support/migration-folder.ts';

type Texts = Readonly<Record<string, string>>;

/** A table for views to be made of. */
export const table = { '0000_t': 'CREATE TABLE t (id int); INSERT INTO t VALUES (7);' };

/** A view of that table. */
export const view = (columns: string, name = 'v'): string =>
  `CREATE OR REPLACE VIEW ${name} AS\n  SELECT ${columns} FROM t;\n`;

/** Replaces the files of a folder. */
export async function fill(folder: string, texts: Texts): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  return folder;
}

/** A plugin with a folder of Drizzle 0.x, and with repeatable files. */
export interface Shop {
  readonly plugin: { readonly id: string; readonly migrations: readonly (string | SqlFiles)[] };
  readonly folder: string;
  /** The folder of the repeatable files. */
  readonly views: string;
}

export async function makeShop(texts: Texts, files: Texts = table, id = 'p'): Promise<Shop> {
  const folder = await migrationFolder(files);
  const views = await fill(await temporaryFolder(), texts);
  // Listed first, they run last all the same.
  return {
    plugin: { id, migrations: [sqlFiles(views, { repeatable: true }), folder] },
    folder,
    views,
  };
}

/** The rows of a history, the oldest first. */
export async function readRows(
  { query }: Pick<Database, 'query'>,
  schema = 'plugin_p',
): Promise<
  readonly { readonly id: number; readonly hash: string; readonly repeatable: boolean }[]
> {
  const { rows } = await query(
    `SELECT id, hash, created_at < 0 AS repeatable FROM "${schema}".__drizzle_migrations ORDER BY id`,
  );
  return rows as never;
}

/** Migrates, and returns the files that ran. */
export async function migrateOnce(boot: Boot): Promise<readonly string[]> {
  const { plugins } = await boot.migrate();
  await boot.stop();
  return plugins.flatMap(({ applied }) => applied ?? []);
}

/** The warnings of a plan. */
export async function listWarnings(boot: Boot): Promise<readonly string[]> {
  return (await boot.plan()).warnings.map(({ message }) => message);
}
