import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes a folder as drizzle-kit does, with one file for each entry, in this order. It is removed after the test. */
export async function migrationFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  await writeMigrations(folder, files);
  return folder;
}

/** Makes plugins with the same migrations, each in a folder of its own, because two plugins may not share a folder. */
export async function alikePlugins(
  ids: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<readonly { readonly id: string; readonly migrations: string }[]> {
  return Promise.all(ids.map(async (id) => ({ id, migrations: await migrationFolder(files) })));
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-migrations-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes migrations into a folder, which may have an older version of them. */
export async function writeMigrations(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const entries = Object.entries(files);
  await mkdir(join(folder, 'meta'), { recursive: true });
  const journal = {
    version: '7',
    dialect: 'postgresql',
    entries: entries.map(([tag], idx) => ({
      idx,
      version: '7',
      when: 1_700_000_000_000 + idx * 1_000,
      tag,
      breakpoints: true,
    })),
  };
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  for (const [tag, sql] of entries) await writeFile(join(folder, `${tag}.sql`), sql);
}

/** Writes a folder as drizzle-kit 1.x does, with a folder for each entry, `20240102030405_init`. It is removed after the test. */
export async function timestampFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, sql] of Object.entries(files)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'migration.sql'), sql);
  }
  return folder;
}
