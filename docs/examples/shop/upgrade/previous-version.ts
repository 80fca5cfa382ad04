import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { createBoot } from 'slipway';
import type { BootReport, Plugin } from 'slipway';
import { findPluginMigrations, hostMigrations } from './migration-folders.ts';

/** The shop as it was before: only its migrations, because only they have left something in the database. */
interface PreviousVersion extends AsyncDisposable {
  readonly host: { readonly migrations: string };
  readonly plugins: readonly Plugin[];
}

/** The part of drizzle-kit's journal that is needed here. */
interface Journal {
  readonly entries: readonly { readonly tag: string }[];
}

/** What the release brings: at most so many files for each plugin, and never the first. */
const filesOfTheRelease = 2;

/** Migrates an empty database to the version of the shop before this one. */
export async function installPrevious(pool: Pool): Promise<BootReport> {
  await using previous = await writePreviousVersion();
  const { host, plugins } = previous;
  await using boot = createBoot({ pool, host, plugins });
  return await boot.migrate();
}

/** Writes every folder of migrations as it was before the release into a temporary place, which goes with the value. */
async function writePreviousVersion(): Promise<PreviousVersion> {
  const place = await mkdtemp(join(tmpdir(), 'slipway-previous-shop-'));
  const plugins: Plugin[] = [];
  for (const { id, folder } of await findPluginMigrations()) {
    plugins.push({ id, migrations: await writeShortened(folder, join(place, id)) });
  }
  return {
    host: { migrations: await writeShortened(hostMigrations, join(place, 'host')) },
    plugins,
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
}

async function writeShortened(folder: string, to: string): Promise<string> {
  const journal = await readJournal(folder);
  const { entries } = journal;
  const kept = entries.slice(0, Math.max(1, entries.length - filesOfTheRelease));
  await mkdir(join(to, 'meta'), { recursive: true });
  await writeFile(join(to, 'meta/_journal.json'), JSON.stringify({ ...journal, entries: kept }));
  for (const { tag } of kept) await copyFile(join(folder, `${tag}.sql`), join(to, `${tag}.sql`));
  return to;
}

async function readJournal(folder: string): Promise<Journal> {
  return JSON.parse(await readFile(join(folder, 'meta/_journal.json'), 'utf8')) as Journal;
}
