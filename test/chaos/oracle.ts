import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createBoot } from 'slipway';
import { readCatalog } from '../support/catalog.ts';
import { expectNoSession, withClient } from '../support/leaks.ts';
import { writeMigrations } from '../support/migration-folder.ts';
import { filesOf, folderPlugins, pluginsOf, releaseNames, type ReleaseName } from './releases.ts';

/** Every release's migrations, each in a folder of its own. */
export async function writeReleases(folder: string): Promise<void> {
  for (const release of releaseNames) {
    for (const plugin of folderPlugins) {
      const files = filesOf(release, plugin);
      if (Object.keys(files).length === 0) continue;
      const own = join(folder, release, plugin);
      await mkdir(own, { recursive: true });
      await writeMigrations(own, files);
    }
  }
}

/** Boots a release without a fault in this process, which has to come up, and gives the files that it applied. */
export async function bootClean(
  url: string,
  folder: string,
  release: ReleaseName,
): Promise<readonly string[]> {
  const boot = createBoot({ pool: url, plugins: pluginsOf(release, { folder }) });
  const { plugins } = await boot.start();
  await boot.stop();
  return plugins.flatMap(({ applied }) => applied);
}

/** What a database holds, a line for each object, row and history entry. */
export type Stock = readonly string[];

/**
 * Brings a database up to the last release without a fault, and then migrates what the releases with faults add, so that it
 * has to hold the same whatever came before. Throws when a boot fails, or a second one finds something to do.
 */
export async function heal(url: string, folder: string): Promise<void> {
  await bootClean(url, folder, 'functions');
  const again = await bootClean(url, folder, 'functions');
  if (again.length > 0) throw new Error(`A second boot applied ${again.join(', ')}`);
  for (const release of ['optional', 'leaky'] as const) {
    const boot = createBoot({ pool: url, plugins: pluginsOf(release, { folder }) });
    await boot.migrate();
    await boot.stop();
  }
}

/** Takes stock of all schemas, and of what no schema of a plugin may have. */
export async function takeStock(url: string): Promise<Stock> {
  return withClient(url, async (client) => {
    const { rows: schemas } = await client.query<{ nspname: string }>(
      "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1",
    );
    const lines: string[] = [];
    for (const { nspname } of schemas) {
      lines.push(`schema ${nspname}`);
      const catalog = (await readCatalog(client, nspname)).map(withoutTime);
      lines.push(...catalog.map((line) => `${nspname}: ${line}`));
      if (!catalog.includes('table __drizzle_migrations')) continue;
      const { rows } = await client.query<{ hash: string }>(
        `SELECT hash FROM "${nspname}".__drizzle_migrations ORDER BY id`,
      );
      lines.push(`${nspname}: history in the order ${rows.map(({ hash }) => hash).join()}`);
    }
    return lines;
  });
}

/** Histories of functions tell when each was applied, which is different in every database. */
function withoutTime(line: string): string {
  return line.replace(/"applied_at": "[^"]+"/, '"applied_at": …');
}

/** How a stock differs from the one it should be; nothing when it does not. */
export function compareStock(found: Stock, expected: Stock): readonly string[] {
  const missing = leftOf(expected, found).map((line) => `missing: ${line}`);
  const extra = leftOf(found, expected).map((line) => `not expected: ${line}`);
  return [...missing, ...extra];
}

/** What is left of the lines when each of the others has taken away one that equals it: a row that is there twice counts. */
function leftOf(lines: Stock, others: Stock): Stock {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}

/** The sessions and locks that are left in a database once every process that used it has ended. */
export async function findLeftovers(
  adminUrl: string,
  url: string,
  database: string,
): Promise<readonly string[]> {
  const sessions = await expectNoSession(adminUrl, database).then(
    () => [],
    (error: unknown) => [String(error)],
  );
  const locks = await withClient(url, (client) =>
    client.query<{ line: string }>(
      `SELECT format('lock %s/%s of %s is left', classid, objid, pid) AS line FROM pg_locks
         WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       UNION ALL SELECT format('prepared transaction %s is left', gid) FROM pg_prepared_xacts WHERE database = current_database()`,
    ),
  );
  return [...sessions, ...locks.rows.map(({ line }) => line)];
}
