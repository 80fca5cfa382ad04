import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { checkSettings, type MigrationOptions } from '../../src/core/settings.ts';
import type { MigrationFunction } from '../../src/core/migration-source.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import type { FirstLock, MigrateOptions } from '../../src/postgres/migrate/migrating.ts';
import { toMigrations, type PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { surveyDatabase, type Survey } from '../../src/postgres/survey/survey.ts';
import type { Migration, SqlMigration } from '../../src/postgres/sources/migration.ts';

/** Migrations by tag: `{ '0000_init': 'create table …' }`. */
export type Migrations = Readonly<Record<string, string>>;

export const megabyte = 1024 * 1024;

/** Repeats a text until it has this many bytes. */
export function repeatTo(bytes: number, text: string): string {
  return text.repeat(Math.ceil(bytes / Buffer.byteLength(text)));
}

/** When the first migration of a fixture was generated; each further one is a second younger. */
export const firstWhen = 1_700_000_000_000;

/** Writes a folder as drizzle-kit 0.x does; it is removed when the test ends. */
export async function writeFolder(migrations: Migrations): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-migrations-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeMigrations(folder, migrations);
  return folder;
}

/** Writes the journal and the files of a folder anew, as a later version of the plugin would have them. */
export async function writeMigrations(folder: string, migrations: Migrations): Promise<void> {
  const entries = Object.keys(migrations).map((tag, idx) => {
    return { idx, version: '7', when: firstWhen + idx * 1_000, tag, breakpoints: true };
  });
  await mkdir(join(folder, 'meta'), { recursive: true });
  await writeFile(
    join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  );
  for (const [tag, sql] of Object.entries(migrations)) {
    await writeFile(join(folder, `${tag}.sql`), sql);
  }
}

/** What `drizzle-kit up` calls the migration at this index of a fixture. */
export function nameInDrizzle1(tag: string, index: number): string {
  const time = new Date(firstWhen + index * 1_000).toISOString().replace(/\D/g, '').slice(0, 14);
  return `${time}_${tag.slice('0000_'.length)}`;
}

/** Writes the same migrations as drizzle-kit 1.x does; the folder is removed when the test ends. */
export async function writeTimestampFolder(migrations: Migrations): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-migrations-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [index, [tag, sql]] of Object.entries(migrations).entries()) {
    const place = join(folder, nameInDrizzle1(tag, index));
    await mkdir(place);
    await writeFile(join(place, 'migration.sql'), sql);
  }
  return folder;
}

/** A plugin with these files, as the boot hands it on. */
export function toPlugin<T extends Migration>(
  id: string,
  files: readonly T[],
  schema = `plugin_${id}`,
): PluginMigrations & { readonly files: readonly T[] } {
  return { id, schema, historySchema: schema, previousSchemas: [], furtherSchemas: [], files };
}

/** A plugin with the migrations of a folder. */
export async function pluginWith(
  id: string,
  migrations: Migrations,
): Promise<PluginMigrations & { readonly files: readonly SqlMigration[] }> {
  const files = await readMigrationFolder(id, await writeFolder(migrations));
  return toPlugin(id, files);
}

/** A plugin whose migrations are functions, by name. */
export function coded(
  id: string,
  functions: Readonly<Record<string, MigrationFunction['run']>>,
): PluginMigrations {
  const list = Object.entries(functions).map(([name, run]) => ({ name, run }));
  return toPlugin(id, toMigrations(list));
}

/** Changes to {@link migrateOptions}; `migrations` are checked as a boot checks them. */
export type MigrateChanges = Partial<Omit<MigrateOptions, 'settings'>> & {
  readonly migrations?: MigrationOptions;
};

/** Options that no signal aborts, and what was emitted and locked with them. No schema is one for extensions. */
export function migrateOptions({ migrations, ...changes }: MigrateChanges = {}): MigrateOptions & {
  readonly told: readonly UnstampedEvent[];
  readonly locks: readonly FirstLock[];
} {
  const told: UnstampedEvent[] = [];
  const locks: FirstLock[] = [];
  return {
    told,
    locks,
    settings: checkSettings({ migrations: { extensionSchemas: [], ...migrations } }).migrations,
    keepsSession: true,
    isDirect: changes.keepsSession !== false,
    inFile: (_, run) => run(),
    onLock: (lock) => locks.push(lock),
    clock: systemClock,
    signal: new AbortController().signal,
    windDown: new AbortController().signal,
    emit: (news) => told.push(news),
    ...changes,
  };
}

/** What a test surveys with: options of migrations, checked as a boot checks them, and those of the survey itself. */
export type SurveyChanges = MigrationOptions & {
  readonly willApply?: boolean;
  readonly pooler?: 'session';
};

/** Surveys a database as a boot does that applies what is pending. */
export function takeSurvey(
  client: Parameters<typeof surveyDatabase>[0],
  plugins: readonly PluginMigrations[],
  { willApply = true, pooler, ...migrations }: SurveyChanges = {},
): Promise<Survey> {
  const settings = checkSettings({ migrations }).migrations;
  return surveyDatabase(client, plugins, { settings, willApply, pooler });
}

/** The error that a promise rejects with; fails when it resolves. */
export async function errorOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('Expected a rejection');
}
