import { expect, test, vi } from 'vitest';
import type { BootReport } from '../../src/index.ts';
import { startBootProcesses } from '../support/boot-process.ts';
import type { BootProcess, OrderedPlugin } from '../support/boot-process.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { expectNoInitBeforeMigrateAll } from '../support/event-recorder.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const replicaCount = 4;

const needs = {
  auth: [],
  audit: ['auth'],
  catalog: ['auth'],
  orders: ['catalog', 'audit'],
  billing: ['orders'],
} as const;
const ids = Object.keys(needs);

type Files = Readonly<Record<string, string>>;

/** What runs twice counts twice. */
const counting: Files = {
  '0000_counter': `CREATE TABLE counter (runs int NOT NULL);--> statement-breakpoint
                   INSERT INTO counter VALUES (0);`,
  '0001_count': 'UPDATE counter SET runs = runs + 1;',
  '0002_count': 'UPDATE counter SET runs = runs + 1;',
};

const upgraded: Files = {
  ...counting,
  '0003_log': `CREATE TABLE log (run int);--> statement-breakpoint
               INSERT INTO log SELECT runs FROM counter;--> statement-breakpoint
               UPDATE counter SET runs = runs + 1;`,
};
const recounted: Files = { ...upgraded, '0004_count': 'UPDATE counter SET runs = runs + 1;' };

test('4 processes boot at once, 5 rounds of a fresh database, an upgrade and a migration of data alone: nobody fails, and each migration is applied once', async () => {
  const replicas = await startBootProcesses(replicaCount);
  const plugins = await Promise.all(
    Object.entries(needs).map(async ([id, needed]) => {
      return { id, needs: needed, migrations: await migrationFolder({}) };
    }),
  );
  for (let round = 1; round <= 5; round += 1) {
    const fresh = await db.fresh();
    let before: Files = {};
    for (const files of [counting, upgraded, recounted]) {
      await Promise.all(plugins.map(({ migrations }) => writeMigrations(migrations, files)));
      const reports = await Promise.all(
        replicas.map((replica) => replica.carryOut({ url: fresh.url, plugins })),
      );
      expect(reports.map(howItEnded), `round ${round}`).toEqual(reports.map(() => 'ready'));
      for (const { events } of replicas) expectNoInitBeforeMigrateAll(events);
      await expectEachFileOnce(fresh, replicas, files, before);
      before = files;
    }
  }
});

test('a process killed in the middle of a migration leaves it to the others, who wait for it and finish', async () => {
  const replicas = await startBootProcesses(replicaCount);
  const fresh = await db.fresh();
  const plugins = await brakingPlugins(fresh);

  const runs = replicas.map((replica) => ({
    replica,
    applied: replica.next('plugin.migrate.applied'),
    waiting: replica.next('plugin.migrate.waiting'),
    report: replica.carryOut({ url: fresh.url, plugins }),
  }));
  const victim = await Promise.race(runs.map((run) => run.applied.then(() => run)));
  const others = runs.filter((run) => run !== victim);
  const pid = await pidOfSleeper(fresh);
  for (const { waiting } of others) {
    expect(await waiting).toMatchObject({ plugin: 'auth', holder: { pid } });
  }

  // From now on it is a migration like others; only the victim is still asleep in it.
  await fresh.query('DELETE FROM public.brake');
  const lost = Promise.allSettled([victim.waiting, victim.report]);
  await victim.replica.kill();
  await lost;

  const reports = await Promise.all(others.map(({ report }) => report));
  expect(reports.map(howItEnded)).toEqual(['ready', 'ready', 'ready']);
  await expectEachFileOnce(fresh, replicas, counting);
});

/** The first plugin's second file sleeps for as long as the brake is there. */
async function brakingPlugins(fresh: Database): Promise<readonly OrderedPlugin[]> {
  await fresh.query('CREATE TABLE public.brake AS SELECT 600 AS seconds');
  const braking = {
    ...counting,
    '0001_count': `UPDATE counter SET runs = runs + 1;--> statement-breakpoint
                   SELECT pg_sleep(seconds) FROM public.brake;`,
  };
  return Promise.all(
    Object.entries(needs).map(async ([id, needed]) => {
      const migrations = await migrationFolder(id === 'auth' ? braking : counting);
      return { id, needs: needed, migrations };
    }),
  );
}

async function pidOfSleeper({ query }: Database): Promise<number> {
  for (;;) {
    const { rows } = await query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    if (rows[0]) return rows[0].pid;
  }
}

/**
 * The counters have counted each run, the histories have each file once, and one replica applied it.
 *
 * @param before What was there before these boots.
 */
async function expectEachFileOnce(
  { query }: Database,
  replicas: readonly BootProcess[],
  files: Files,
  before: Files = {},
): Promise<void> {
  const names = Object.keys(files);
  const runs = Object.values(files).filter((sql) => sql.includes('runs + 1')).length;
  const fresh = names.filter((tag) => !(tag in before)).map((tag) => `${tag}.sql`);
  const applied = replicas
    .flatMap(({ events }) => events)
    .filter((event) => event.type === 'plugin.migrate.applied');
  for (const id of ids) {
    const { rows } = await query<{ runs: number; rows: number }>(
      `SELECT (SELECT sum(runs)::int FROM plugin_${id}.counter) AS runs, count(*)::int AS rows
       FROM plugin_${id}.__drizzle_migrations`,
    );
    expect(rows, id).toEqual([{ runs, rows: names.length }]);
    const own = applied.filter(({ plugin }) => plugin === id).map(({ file }) => file);
    expect(own.toSorted(), id).toEqual(fresh);
  }
}

function howItEnded({ outcome, error }: BootReport): string {
  return error ? `${outcome}: ${error.message}` : outcome;
}
