import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Plugin } from 'slipway';
import type { TestDatabase } from '../support/test-database.ts';
import {
  summarize,
  withColdProcesses,
  type ColdRun,
  type ColdSample,
  type RunCold,
} from './cold-process.ts';
import type { MigratorName } from './contenders/migrators.ts';
import type { MigrationOrder } from './contenders/order.ts';
import { withDatabase } from './fresh-database.ts';
import {
  filesPerPlugin,
  generateFiles,
  migrationsOf,
  releaseFirst,
  withMigratingPlugins,
} from './generated-plugins.ts';
import { collectInTurn, type Rounds } from './measure.ts';
import { findServerCpu, type ServerCpu } from './server-cpu.ts';
import { laySlowLink } from './slow-link.ts';
import { measureRoundTrip } from './versus.ts';

/** What the databases have of the files of plugins when a process starts. */
export interface Situation {
  /** Has nothing when it is fresh, and everything when nothing is to do. An upgrade has one file more for one plugin. */
  readonly name: 'fresh' | 'nothing to do' | 'upgrade';
  readonly plugins: number;
  /** For each plugin. */
  readonly files: number;
}

/** The figures of one situation over one kind of line. */
export interface MigratorsLine {
  /** The time of `select 1` over this line. */
  readonly roundTripMs: number;
  readonly contenders: Readonly<Partial<Record<MigratorName, ColdSample>>>;
}

/** The figures of one situation. */
export interface MigratorsResult extends Situation {
  readonly direct: MigratorsLine;
  readonly slowLink: MigratorsLine;
}

/** What the slow link adds to every round trip, in ms. */
const addedMs = 1;

const names: readonly MigratorName[] = [
  'slipway',
  'drizzle',
  'drizzleAtOnce',
  'kysely',
  'nodePgMigrate',
  'sqlOn1',
  'sqlOn4',
];
/** Four connections gain nothing when at most one file is pending. */
const namesOfMigrated = names.filter((name) => name !== 'sqlOn4');

/** Measures each way to migrate in processes of its own, in turn. */
export async function measureMigrators(
  adminUrl: string,
  situations: readonly Situation[],
  rounds: Rounds,
): Promise<readonly MigratorsResult[]> {
  const serverCpu = await findServerCpu(adminUrl);
  const link = await laySlowLink(adminUrl, addedMs);
  try {
    return await withColdProcesses(async (runCold) => {
      const bench: Bench = { adminUrl, slowUrl: link.url, serverCpu, runCold };
      const results: MigratorsResult[] = [];
      for (const situation of situations) {
        results.push(await measureSituation(bench, situation, rounds));
      }
      return results;
    });
  } finally {
    await link.close();
  }
}

/** What all situations share. */
interface Bench {
  readonly adminUrl: string;
  readonly slowUrl: string;
  readonly serverCpu: ServerCpu | undefined;
  readonly runCold: RunCold;
}

async function measureSituation(
  bench: Bench,
  situation: Situation,
  rounds: Rounds,
): Promise<MigratorsResult> {
  const measureIn = situation.name === 'fresh' ? measureFresh : measureMigrated;
  const lines = await withMigratingPlugins(
    situation.plugins,
    'layers',
    (plugins) => measureIn(bench, plugins, rounds, situation.name === 'upgrade'),
    generateFiles(situation.files),
  );
  return { ...situation, ...lines };
}

type Lines = Pick<MigratorsResult, 'direct' | 'slowLink'>;

/** Each run has an empty database. */
function measureFresh(bench: Bench, plugins: readonly Plugin[], rounds: Rounds): Promise<Lines> {
  return measureLines(bench, (lineUrl) => {
    const install = (name: MigratorName): Promise<ColdRun> =>
      withDatabase(bench.adminUrl, (database) =>
        migrate(bench, name, plugins, { database, lineUrl, pending: 'everything' }),
      );
    return collectInTurn(names, install, rounds);
  });
}

/** Each contender has a database that it has migrated itself, because not all read the same history. */
function measureMigrated(
  bench: Bench,
  plugins: readonly Plugin[],
  rounds: Rounds,
  isUpgrade: boolean,
): Promise<Lines> {
  const { adminUrl } = bench;
  return withDatabases(adminUrl, namesOfMigrated, async (databaseOf) => {
    const install = (name: MigratorName): Promise<ColdRun> => {
      const database = databaseOf(name);
      return migrate(bench, name, plugins, { database, lineUrl: adminUrl, pending: 'everything' });
    };
    await Promise.all(namesOfMigrated.map(install));

    const pending = isUpgrade ? 'last file of the first plugin' : 'nothing';
    const release = async (): Promise<void> => {
      await releaseFirst(plugins, (await countFiles(plugins.slice(0, 1))) + 1);
    };
    return measureLines(bench, (lineUrl) => {
      const again = (name: MigratorName): Promise<ColdRun> =>
        migrate(bench, name, plugins, { database: databaseOf(name), lineUrl, pending });
      return collectInTurn(namesOfMigrated, again, rounds, isUpgrade ? release : undefined);
    });
  });
}

/** Has contenders migrate over each line in turn. */
async function measureLines(
  { adminUrl, slowUrl }: Bench,
  collect: (lineUrl: string) => Promise<Readonly<Record<string, readonly ColdRun[]>>>,
): Promise<Lines> {
  const measureLine = async (lineUrl: string): Promise<MigratorsLine> => {
    const runs = Object.entries(await collect(lineUrl));
    return {
      roundTripMs: await measureRoundTrip(lineUrl),
      contenders: Object.fromEntries(runs.map(([name, ofName]) => [name, summarize(ofName)])),
    };
  };
  return { direct: await measureLine(adminUrl), slowLink: await measureLine(slowUrl) };
}

interface MigrateIn {
  readonly database: TestDatabase;
  readonly lineUrl: string;
  readonly pending: MigrationOrder['pending'];
}

/** Migrates in a process of its own, and looks whether it was done. */
async function migrate(
  { runCold, serverCpu }: Bench,
  contender: MigratorName,
  plugins: readonly Plugin[],
  { database, lineUrl, pending }: MigrateIn,
): Promise<ColdRun> {
  const url = new URL(lineUrl);
  url.pathname = `/${database.name}`;
  const [root = ''] = plugins.map((plugin) => dirname(migrationsOf(plugin)));
  const migrations = { url: url.href, root, pending };
  const cpuBeforeMs = serverCpu?.();
  const run = await runCold({
    group: 'migrators',
    contender,
    plugins: plugins.length,
    migrations,
  });
  // Waits for the end of the sessions, which is a part of the server's work.
  await database.expectNoLeak();
  const cpuAfterMs = serverCpu?.();
  await expectMigrated(database, plugins);
  return cpuBeforeMs === undefined || cpuAfterMs === undefined
    ? run
    : { ...run, serverCpuMs: cpuAfterMs - cpuBeforeMs };
}

/** The first files of a plugin make two tables, and each of the others makes an index. */
async function expectMigrated(database: TestDatabase, plugins: readonly Plugin[]): Promise<void> {
  const { rows } = await database.query<{ tables: number; indexes: number }>(`
    select
      (select count(*)::int from pg_tables
        where schemaname like 'plugin\\_%' and tablename in ('items', 'notes')) as tables,
      (select count(*)::int from pg_indexes
        where schemaname like 'plugin\\_%' and indexname like 'notes\\_extra\\_%') as indexes`);
  const expected = {
    tables: plugins.length * 2,
    indexes: (await countFiles(plugins)) - plugins.length * filesPerPlugin,
  };
  if (isDeepStrictEqual(rows, [expected])) return;
  throw new Error(`Expected ${JSON.stringify(expected)}, found ${JSON.stringify(rows)}`);
}

async function countFiles(plugins: readonly Plugin[]): Promise<number> {
  const folders = await Promise.all(plugins.map((plugin) => readdir(migrationsOf(plugin))));
  return folders.flat().filter((name) => name.endsWith('.sql')).length;
}

/** Makes an empty database for each contender, for as long as `use` runs. */
async function withDatabases<Result>(
  adminUrl: string,
  [name, ...others]: readonly MigratorName[],
  use: (databaseOf: (name: MigratorName) => TestDatabase) => Promise<Result>,
): Promise<Result> {
  if (name === undefined) {
    return use((wanted) => {
      throw new Error(`There is no database for ${wanted}`);
    });
  }
  return withDatabase(adminUrl, (database) =>
    withDatabases(adminUrl, others, (databaseOf) =>
      use((wanted) => (wanted === name ? database : databaseOf(wanted))),
    ),
  );
}
