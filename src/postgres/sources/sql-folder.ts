import { join } from 'node:path';
import { mapBounded } from '../../core/map-bounded.ts';
import { compareVersions } from './compare-versions.ts';
import type { SqlMigration } from './migration.ts';
import { identifyByName } from './migration-identity.ts';
import { listFolder, readSql } from './read-text.ts';
import { refusalFor, type Refuse } from './refusal.ts';

const suffix = /\.sql$/i;

/**
 * Reads a folder of plain SQL files: every `.sql` in it, in the order of the numbers that the names begin with, then of the
 * names. Other files and folders in it are left alone.
 *
 * @param folder An absolute path.
 * @throws BootError `MIGRATION_FILES_INVALID`
 */
export async function readSqlFolder(
  plugin: string,
  folder: string,
): Promise<readonly SqlMigration[]> {
  const refuse = refusalFor(plugin);
  const entries = await listFolder(folder, refuse);
  const tags = new Map<string, string>();
  for (const { name } of entries) {
    if (suffix.test(name)) addTag(tags, name, folder, refuse);
  }
  checkTags([...tags.keys()], folder, refuse);
  const sorted = [...tags].toSorted(([one], [other]) => compareVersions(one, other));
  return mapBounded(sorted, 1, async ([tag, name]) => {
    const file = await readSql(join(folder, name), refuse);
    return { ...identifyByName(tag), name, ...file };
  });
}

function addTag(tags: Map<string, string>, name: string, folder: string, refuse: Refuse): void {
  const tag = name.replace(suffix, '');
  const other = tags.get(tag);
  if (other !== undefined) {
    throw refuse(`${other} and ${name} in ${folder} are one name in the history`, {
      hint: 'Rename the one that is not yet applied anywhere.',
    });
  }
  tags.set(tag, name);
}

function checkTags(tags: readonly string[], folder: string, refuse: Refuse): void {
  if (tags.length === 0) {
    throw refuse(`${folder} has no .sql file`, {
      hint: 'Ship the files with the plugin (builds leave them out). If there are none, remove its migrations.',
    });
  }
  const undo = findUndoFile(tags);
  if (undo) {
    throw refuse(`${join(folder, `${undo.tag}.sql`)} undoes a migration, and would run as one`, {
      hint: `${undo.tool === undefined ? '' : `Its name is that of an undo migration of ${undo.tool}. `}Move it to another folder: Slipway does not undo migrations.`,
    });
  }
}

/** A file that takes a migration back. */
interface UndoFile {
  /** Its name without `.sql`. */
  readonly tag: string;
  /** A tool that names such files so; undefined when it is no tool's own habit. */
  readonly tool: string | undefined;
}

/** Names that say it alone, as the docs of the tool have them. */
const surely: readonly (readonly [pattern: RegExp, tool?: string])[] = [
  // https://www.npmjs.com/package/postgrator: 001.undo.sql, 002.undo.optional-description.sql
  [/^\d+\.undo(?:\.|$)/i, 'Postgrator'],
  // https://github.com/golang-migrate/migrate/blob/master/MIGRATIONS.md; sqlx and Hasura do the same.
  [/\.down$/i, 'golang-migrate'],
  [/\.(?:undo|rollback|revert)$/i],
  // https://documentation.red-gate.com/fd/undo-migrations-273973337.html: U1__name.sql
  [/^U\d[\d._]*__/, 'Flyway'],
  // https://docs.rs/diesel_migrations: up.sql and down.sql in the folder of a migration
  [/^down$/i, 'Diesel'],
];

/** Names that may be those of a migration (`0004_slow_down`), unless the way up stands beside them, as db-migrate has it. */
const perhaps = /[_-](?:down|undo|rollback|revert)$/i;

/** Finds the first name among those of a folder that is one of a way down. */
function findUndoFile(tags: readonly string[]): UndoFile | undefined {
  const all = new Set(tags.map((tag) => tag.toLowerCase()));
  for (const tag of tags) {
    const named = surely.find(([pattern]) => pattern.test(tag));
    if (named) return { tag, tool: named[1] };
    const base = tag.toLowerCase().replace(perhaps, '');
    const hasUp = ['', '-up', '_up'].some((end) => all.has(base + end));
    if (perhaps.test(tag) && hasUp) return { tag, tool: undefined };
  }
  return undefined;
}
