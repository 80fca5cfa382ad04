import { expect, test } from 'vitest';
import type { BootReport } from '../../src/index.ts';
import { startBootProcesses } from '../support/boot-process.ts';
import type { BootProcess, OrderedPlugin } from '../support/boot-process.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { expectNoInitBeforeMigrateAll } from '../support/event-recorder.ts';
import { migrationFolder } from '../support/migration-folder.ts';

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

/** What runs twice counts twice. */
const counting = {
  '0000_counter': `CREATE TABLE counter (runs int NOT NULL);--> statement-breakpoint
                   INSERT INTO counter VALUES (0);`,
  '0001_count': 'UPDATE counter SET runs = runs + 1;',
  '0002_count': 'UPDATE counter SET runs = runs + 1;',
};

test('4 processes boot a fresh database at once, 5 rounds: nobody fails, and each migration is applied once', async () => {
  const replicas = await startBootProcesses(replicaCount);
  const folder = await migrationFolder(counting);
  const plugins = Object.entries(needs).map(([id, needed]) => {
    return { id, needs: needed, migrations: folder };
  });
  for (let round = 1; round <= 5; round += 1) {
    const fresh = await db.fresh();
    const reports = await Promise.all(
      replicas.map((replica) => replica.carryOut({ url: fresh.url, plugins })),
    );
    expect(reports.map(howItEnded), `round ${round}`).toEqual(reports.map(() => 'ready'));
    for (const { events } of replicas) expectNoInitBeforeMigrateAll(events);
    await expectEachFileOnce(fresh, reports);
  }
});

test('a process killed in the middle of a migration leaves it to the others, who wait for it and finish', async () => {
  const replicas = await startBootProcesses(replicaCount);
  const fresh = await db.fresh();
  const plugins = await brakingPlugins(fresh);

  const first = Promise.race(
    replicas.map(async (replica) => {
      await replica.next('plugin.migrate.statement');
      return replica;
    }),
  );
  const waits = new Map(replicas.map((replica) => [replica, replica.next('plugin.migrate.waiting')]));
  const reports = new Map(
    replicas.map((replica) => [replica, replica.carryOut({ url: fresh.url, plugins })]),
  );
  const victim = await first;
  const pid = await pidOfSleeper(fresh);
  const others = replicas.filter((replica) => replica !== victim);
  for (const replica of others) {
    expect(await waits.get(replica)).toMatchObject({ plugin: 'auth', holder: { pid } });
  }

  // Only the victim sleeps: without the brake it is a migration like others.
  await fresh.query('DELETE FROM public.brake');
  const lost = Promise.all([settled(reports.get(victim)), settled(waits.get(victim))]);
  await victim.kill();
  await lost;

  const finished = await Promise.all(others.map((replica) => reports.get(replica)));
  const survivors = finished.filter((report) => report !== undefined);
  expect(survivors.map(howItEnded)).toEqual(['ready', 'ready', 'ready']);
  await expectEachFileOnce(fresh, survivors);
});

/** The first plugin's second file sleeps for as long as the brake is there. */
async function brakingPlugins(fresh: Database): Promise<readonly OrderedPlugin[]> {
  await fresh.query('CREATE TABLE public.brake AS SELECT 600 AS seconds');
  const braking = await migrationFolder({
    ...counting,
    '0001_count': `UPDATE counter SET runs = runs + 1;--> statement-breakpoint
                   SELECT pg_sleep(seconds) FROM public.brake;`,
  });
  const plain = await migrationFolder(counting);
  return Object.entries(needs).map(([id, needed]) => {
    return { id, needs: needed, migrations: id === 'auth' ? braking : plain };
  });
}

async function pidOfSleeper({ query }: Database): Promise<number> {
  for (;;) {
    const { rows } = await query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    if (rows[0]) return rows[0].pid;
  }
}

/** The counters have counted each run, the histories have each file once, and the replicas shared the work. */
async function expectEachFileOnce(
  { query }: Database,
  reports: readonly BootReport[],
): Promise<void> {
  const files = Object.keys(counting).map((tag) => `${tag}.sql`);
  for (const id of ids) {
    const { rows } = await query<{ runs: number; rows: number; files: number }>(
      `SELECT (SELECT sum(runs)::int FROM plugin_${id}.counter) AS runs, count(*)::int AS rows,
              count(DISTINCT created_at)::int AS files
       FROM plugin_${id}.__drizzle_migrations`,
    );
    expect(rows, id).toEqual([{ runs: 2, rows: files.length, files: files.length }]);
    const applied = reports.flatMap(({ plugins }) =>
      plugins.filter((plugin) => plugin.id === id).flatMap((plugin) => plugin.applied),
    );
    // A file that a killed replica had committed is in no report.
    expect(files, id).toEqual(expect.arrayContaining(applied));
    expect(new Set(applied).size, `no file of ${id} by two replicas`).toBe(applied.length);
  }
}

function howItEnded({ outcome, error }: BootReport): string {
  return error ? `${outcome}: ${error.message}` : outcome;
}

async function settled(work: Promise<unknown> | undefined): Promise<void> {
  await work?.catch(() => undefined);
}
