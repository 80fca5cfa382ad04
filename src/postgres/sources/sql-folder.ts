import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SqlMigration } from './migration.ts';
import { checkFolder, hashOf } from './migration-files.ts';
import { refusalFor, type Refuse } from './migration-files-error.ts';
import { identityOf } from './named-migration.ts';

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
  await checkFolder(folder, refuse);
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory() && suffix.test(entry.name))
    .map((entry) => entry.name);
  checkNames(names, folder, refuse);
  return Promise.all(names.toSorted(byNumber).map((name) => read(folder, name, refuse)));
}

async function read(folder: string, name: string, refuse: Refuse): Promise<SqlMigration> {
  const path = join(folder, name);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw refuse(`${path} cannot be read`, {
      hint: 'Ship it with the plugin, readable for this process.',
      cause,
    });
  });
  const text = decode(bytes, path, refuse);
  if (text.includes('\0')) {
    throw refuse(`${path} has a NUL character, which PostgreSQL reads nowhere`, {
      hint: 'Save it as UTF-8: UTF-16 has one in every letter.',
    });
  }
  // Whoever writes SQL by hand and says "public" means it; only drizzle-kit does not.
  const isPublicMeant = { snapshotNames: new Set<string>() };
  return { ...identityOf(tagOf(name)), name, hash: hashOf(text), text, ...isPublicMeant };
}

/** Another encoding would be read as other letters, and put them into the database. */
function decode(bytes: Uint8Array, path: string, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw refuse(`${path} is not UTF-8`, { hint: 'Save it as UTF-8.', cause });
  }
}

function checkNames(names: readonly string[], folder: string, refuse: Refuse): void {
  if (names.length === 0) {
    throw refuse(`${folder} has no .sql file`, {
      hint: 'Ship the files with the plugin (builds leave them out); without any, leave out its migrations.',
    });
  }
  const seen = new Map<string, string>();
  for (const name of names) {
    const tag = tagOf(name);
    if (tag.endsWith('.down')) {
      throw refuse(`${join(folder, name)} undoes a migration, and would run as one`, {
        hint: 'Move it to another folder: there is no way down.',
      });
    }
    const other = seen.get(tag);
    if (other !== undefined) {
      throw refuse(`${other} and ${name} in ${folder} are one name in the history`, {
        hint: 'Rename the one that is not yet applied anywhere.',
      });
    }
    seen.set(tag, name);
  }
}

function tagOf(name: string): string {
  return name.replace(suffix, '');
}

/** So that `10_more.sql` comes after `9_some.sql`; of any length, as times may have 17 digits. */
function byNumber(one: string, other: string): number {
  const [a, b] = [numberOf(one), numberOf(other)];
  if (a !== b) return a < b ? -1 : 1;
  return one < other ? -1 : 1;
}

/** What begins with no number comes last, by its name. */
function numberOf(name: string): bigint {
  const digits = /^\d+/.exec(name)?.[0];
  return digits === undefined ? 10n ** 100n : BigInt(digits);
}
