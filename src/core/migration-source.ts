import type { PoolClient } from 'pg';
import { isRecord } from './foreign-value.ts';

/**
 * The pinned client, as a migration that is a function sees it. `query` takes texts and pg's query configs, one after the
 * other, and runs nothing once `run` has settled. `release` does nothing: it is there for libraries that give back what
 * they took. Cursors and streams are refused.
 */
export type MigrationClient = Pick<PoolClient, 'query' | 'release'>;

/** The second argument of a migration that is a function. */
export interface MigrationContext {
  /** Aborted when the boot is stopped: what runs on the client is cancelled then anyway. */
  readonly signal: AbortSignal;
  /** The schema of the plugin, first on the search_path. */
  readonly schema: string;
}

/**
 * A migration that is a function: for Kysely, node-pg-migrate, or what SQL alone cannot do.
 *
 * @example { name: '0001-init', run: (client) => client.query('CREATE TABLE notes (id int PRIMARY KEY)') }
 */
export interface MigrationFunction {
  /** Its name in the history, unique in its plugin: a function that gets another name runs again. */
  readonly name: string;
  /** Migrates, in a transaction that is Slipway's. What fails in it fails the migration, also when `run` catches it. */
  run(client: MigrationClient, context: MigrationContext): unknown;
  /** `false` runs it outside of a transaction; then it must do no harm when it runs again after half of it. */
  readonly transaction?: false;
}

/** The tools whose SQL files {@link sqlFiles} reads. `'plain'` is every other: the whole file is the migration. */
export type SqlFormat = (typeof sqlFormats)[number];

/** The values of {@link SqlFormat}. */
export const sqlFormats = [
  'plain',
  'dbmate',
  'goose',
  'flyway',
  'node-pg-migrate',
  'sql-migrate',
] as const;

/** The tools whose history `repair.baseline()` adopts. */
export type HistoryTool = (typeof historyTools)[number];

/** The values of {@link HistoryTool}. */
export const historyTools = [
  'dbmate',
  'goose',
  'flyway',
  'node-pg-migrate',
  'sql-migrate',
  'prisma',
] as const;

/** The options of {@link sqlFiles}. */
export interface SqlFilesOptions {
  /**
   * Whether each file runs again when its text has changed: for functions, views and policies.
   *
   * @default false
   */
  readonly repeatable?: boolean;
  /**
   * The tool that the files were written for, whose rules for names, order and marks are followed. Only the way up in them runs.
   *
   * @default 'plain'
   */
  readonly format?: SqlFormat;
}

/** A folder of SQL files; made by {@link sqlFiles}. */
export interface SqlFiles extends SqlFilesOptions {
  readonly kind: 'sqlFiles';
  /** A `file:` URL or an absolute path. */
  readonly folder: URL | string;
}

/** One source of migrations: the folder that drizzle-kit or Prisma writes, a folder of SQL files, or a list of functions. */
export type OneMigrationSource = URL | string | SqlFiles | readonly MigrationFunction[];

/** The migrations of a plugin: one source, or a list that mixes sources and single functions. */
export type MigrationSource =
  | OneMigrationSource
  | readonly (OneMigrationSource | MigrationFunction)[];

/**
 * Names a folder of plain SQL files, `0001_init.sql`, `0002_more.sql` …, as a plugin's migrations. They run in the order of
 * the numbers that their names begin with, then of their names. Nothing is read before a boot or a plan.
 *
 * @param folder A `file:` URL or an absolute path; in a discovered package also a path relative to it.
 * @example definePlugin({ id: 'catalog', migrations: sqlFiles(new URL('./sql', import.meta.url)) });
 */
export function sqlFiles(folder: URL | string, options: SqlFilesOptions = {}): SqlFiles {
  // An unknown option stays, for the check to refuse.
  return Object.freeze({ ...options, kind: 'sqlFiles', folder });
}

/** The same source, with its folders as `change` makes them; what is no source stays what it is, for the check to refuse. */
export function mapFolders(
  source: MigrationSource,
  change: (folder: URL | string) => URL | string,
): MigrationSource {
  if (!isMixed(source)) return mapOne(source, change);
  const changed: (OneMigrationSource | MigrationFunction)[] = [];
  for (const each of source) {
    // A hole, and a list may have very many.
    if (each === undefined) return source;
    changed.push(mapOne(each, change));
  }
  return changed;
}

function mapOne<Source>(
  source: Source,
  change: (folder: URL | string) => URL | string,
): Source | URL | string | SqlFiles {
  if (isFolder(source)) return change(source);
  return isSqlFiles(source) ? Object.freeze({ ...source, folder: change(source.folder) }) : source;
}

/** Whether a source is a list with more in it than functions. Each item of it is a source of its own. */
export function isMixed(
  source: unknown,
): source is readonly (OneMigrationSource | MigrationFunction)[] {
  if (!Array.isArray(source)) return false;
  for (const each of source as readonly unknown[]) {
    if (isFolder(each) || isSqlFiles(each) || Array.isArray(each)) return true;
    if (each === undefined) return false;
  }
  return false;
}

/** Lists the folders of a source, in their order. */
export function listFolders(source: MigrationSource | undefined): readonly (URL | string)[] {
  if (source === undefined) return [];
  const sources = isMixed(source) ? source : [source];
  return sources.flatMap((each) => {
    const folder = isSqlFiles(each) ? each.folder : each;
    return isFolder(folder) ? [folder] : [];
  });
}

export function isFolder(source: unknown): source is URL | string {
  return typeof source === 'string' || source instanceof URL;
}

export function isSqlFiles(source: unknown): source is SqlFiles {
  return isRecord(source) && source['kind'] === 'sqlFiles';
}
