import { join } from 'node:path';
import { readdirSync, type Dirent } from 'node:fs';
import type { SqlFormat } from '../../../core/migration-source.ts';
import { mapBounded } from '../../../core/map-bounded.ts';
import { LongSql } from '../../sql/long-text.ts';
import { SqlText } from '../../sql/sql-text.ts';
import { hashText, identifyByName } from '../migration-identity.ts';
import type { SqlMigration } from '../migration.ts';
import { listFolder, readSql } from '../read-text.ts';
import { refusalFor, type Refuse } from '../refusal.ts';
import { dbmate } from './dbmate.ts';
import type { FileFormat, FileSettings, ListedFile } from './file-format.ts';
import { flyway } from './flyway.ts';
import { goose } from './goose.ts';
import { nodePgMigrate } from './node-pg-migrate.ts';
import { sqlMigrate } from './sql-migrate.ts';
import { readLongUpPart } from './long-up-part.ts';
import { readUpPart, UpSql } from './up-part.ts';

/** The tools whose files are read, and the rules of each. */
const fileFormats: Readonly<Record<Exclude<SqlFormat, 'plain'>, FileFormat>> = {
  dbmate,
  goose,
  flyway,
  'node-pg-migrate': nodePgMigrate,
  'sql-migrate': sqlMigrate,
};

/**
 * Reads a folder that was written for another tool, by the rules of that tool: its names, its order, and of each file only the
 * way up. What that tool would run and Slipway cannot is a migration with a `refusal`, so that it may be applied already.
 *
 * @param folder An absolute path.
 * @throws BootError `MIGRATION_FILES_INVALID`
 */
export async function readFormatFolder(
  plugin: string,
  folder: string,
  tool: Exclude<SqlFormat, 'plain'>,
): Promise<readonly SqlMigration[]> {
  const refuse = refusalFor(plugin);
  const format = fileFormats[tool];
  const entries = await listFolder(folder, refuse);
  if (format.isDeep) refuseDeep(folder, entries, refuse);
  const names = new Set(entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name));
  const listed = listFiles(folder, names, format, refuse);
  return mapBounded(listed, 1, (file) => readOne(folder, file, format, names, refuse));
}

function listFiles(
  folder: string,
  names: ReadonlySet<string>,
  format: FileFormat,
  refuse: Refuse,
): readonly ListedFile[] {
  const listed = [...names].toSorted().flatMap((name): ListedFile | readonly [] => {
    const read = format.readName(name, names);
    if (read.kind === 'refused') throw refuse(`${join(folder, name)} ${read.because}`, read);
    return read.kind === 'migration' ? { ...read, name } : [];
  });
  if (listed.length === 0) {
    throw refuse(`${folder} has no migration of ${format.tool}`, {
      hint: 'Ship the files with the plugin (builds leave them out). If there are none, remove its migrations.',
    });
  }
  for (const key of ['version', 'historyName'] as const) refuseDoubles(folder, listed, key, refuse);
  return listed.toSorted((one, other) => format.compare(one, other));
}

function refuseDoubles(
  folder: string,
  listed: readonly ListedFile[],
  key: 'version' | 'historyName',
  refuse: Refuse,
): void {
  const seen = new Map<string, ListedFile>();
  for (const file of listed) {
    const other = seen.get(file[key]);
    seen.set(file[key], file);
    if (!other) continue;
    throw refuse(`${other.name} and ${file.name} in ${folder} are both ${file[key]}`, {
      hint: 'Give the one that is not yet applied anywhere another number, or another name.',
    });
  }
}

/** A folder in the folder would be left out without any message. */
function refuseDeep(folder: string, entries: readonly Dirent[], refuse: Refuse): void {
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const inside = listDeep(join(folder, name), refuse);
    const file = inside.find((each) => /\.sql$/i.test(each));
    if (file === undefined) continue;
    throw refuse(`${join(folder, name, file)} is in a folder of its own`, {
      hint: 'Move it up: Slipway reads the files of one folder.',
    });
  }
}

function listDeep(folder: string, refuse: Refuse): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch (cause) {
    const hint = 'Make it readable for this process, or move it out of the folder.';
    throw refuse(`the folder ${folder} cannot be read`, { hint, cause });
  }
}

async function readOne(
  folder: string,
  { name, historyName, code }: ListedFile,
  format: FileFormat,
  names: ReadonlySet<string>,
  refuse: Refuse,
): Promise<SqlMigration> {
  const identity = { ...identifyByName(historyName), name };
  if (code !== undefined) {
    const refusal = {
      because: `is a migration of ${format.tool} in ${code}, which Slipway does not run`,
      hint: 'Write it as SQL, or give the plugin a list of functions. If it is applied already, repair.baseline() with from, or repair.markApplied(), writes that into the history.',
    };
    return { ...identity, hash: hashText(historyName), sql: new SqlText(''), refusal };
  }
  const path = join(folder, name);
  const suffix = format.settings?.suffix;
  const settings =
    suffix !== undefined && names.has(name + suffix)
      ? await readSettings(path + suffix, format, refuse)
      : {};
  const { sql, hash } = await readSql(path, refuse);
  if (sql instanceof LongSql) {
    const long = readLongUpPart(sql, format, settings, ({ because, hint, line }) => {
      const where = line === undefined ? '' : `line ${line} of `;
      return refuse(`${where}${path} ${because}`, { hint });
    });
    return { ...identity, hash, sql: long };
  }
  const part = readUpPart(sql.text, format, settings);
  const up = new UpSql(sql.text, part);
  const own = { ...identity, hash: up.runs === '' ? hash : hashText(up.runs), sql: up };
  return part.refusal ? { ...own, refusal: part.refusal } : own;
}

async function readSettings(
  path: string,
  { settings }: FileFormat,
  refuse: Refuse,
): Promise<FileSettings> {
  const { sql } = await readSql(path, refuse);
  return settings?.read(sql.text) ?? {};
}
