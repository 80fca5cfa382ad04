import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { show } from '../../core/errors.ts';
import { readMadeObjects } from '../sql/made-objects.ts';
import { PrismaSql } from '../sql/prisma-sql.ts';
import { keptName, namePart } from '../sql/sql-names.ts';
import { SqlText } from '../sql/sql-text.ts';
import type { SqlMigration } from './migration.ts';
import { identifyByName } from './migration-identity.ts';
import { listFolder, readSql } from './read-text.ts';
import type { Refuse } from './refusal.ts';

/** Prisma writes it beside the migrations, and refuses another provider afterwards. */
const lockFile = 'migration_lock.toml';
const file = 'migration.sql';

/**
 * Reads a folder of Prisma: `migration_lock.toml`, and `<timestamp>_<name>/migration.sql` for each migration. They run in the
 * order of their names, as Prisma has it: also `0_init`, the baseline of Prisma's own guide.
 *
 * @returns undefined for a folder without the lock file.
 * @throws what `refuse` makes
 * @see https://www.prisma.io/docs/orm/prisma-migrate/understanding-prisma-migrate/migration-histories
 */
export async function readPrismaFolder(
  folder: string,
  refuse: Refuse,
): Promise<readonly SqlMigration[] | undefined> {
  if (!exists(join(folder, lockFile))) return undefined;
  const entries = await listFolder(folder, refuse);
  await refuseOtherProvider(join(folder, lockFile), refuse);
  const tags = entries
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted();
  if (tags.length === 0) {
    throw refuse(`${folder} has ${lockFile}, and no <timestamp>_<name>/${file}`, {
      hint: 'Run prisma migrate dev, and commit and ship all it writes.',
    });
  }
  const files: SqlMigration[] = [];
  const snapshots = { ownAmong: (names: ReadonlySet<string>) => findOwn(files, names) };
  for (const tag of tags) {
    const path = join(folder, tag, file);
    refuseEmptyFolder(join(folder, tag), path, refuse);
    const { sql, hash } = await readSql(path, refuse);
    const own = sql.constructor === SqlText ? new PrismaSql(sql.text) : sql;
    files.push({ ...identifyByName(tag), name: `${tag}/${file}`, hash, sql: own, snapshots });
  }
  return files;
}

/** Prisma says the same, as P3015: what the migration was is not known. */
function refuseEmptyFolder(folder: string, path: string, refuse: Refuse): void {
  if (exists(path)) return;
  throw refuse(`${folder} has no ${file}`, {
    hint: 'Restore the file from version control, or remove its folder if it is applied nowhere.',
  });
}

/** A broken link counts as well: it is reported when it is read. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

async function refuseOtherProvider(path: string, refuse: Refuse): Promise<void> {
  const { sql } = await readSql(path, refuse);
  const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(sql.text)?.[1];
  if (provider === undefined || provider === 'postgresql' || provider === 'postgres') return;
  throw refuse(`${path} has migrations for ${show(provider)}`, {
    hint: 'Generate them for PostgreSQL: provider = "postgresql" in schema.prisma.',
  });
}

const renamed = new RegExp(String.raw`\brename\s+to\s+(${namePart})$`, 'i');

/** Prisma writes `"public".` before what it makes, whatever the schema will be. What no file makes is meant as written. */
async function findOwn(
  files: readonly SqlMigration[],
  names: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const made = new Set<string>();
  for (const { sql } of files) {
    await sql.readInSlices();
    for (const { kind, name } of readMadeObjects(sql).objects) {
      if (kind !== 'column') made.add(name);
    }
    for (const { code } of sql.commands) {
      const name = renamed.exec(code)?.[1];
      if (name !== undefined) made.add(keptName(name));
    }
  }
  return new Set(Array.from(names).filter((name) => made.has(name)));
}
