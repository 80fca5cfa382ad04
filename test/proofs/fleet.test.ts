import { Client, Pool } from 'pg';
import { startPostgres } from 'slipway/testing';
import { expect, test, vi } from 'vitest';
import { mapBounded } from '../../src/core/map-bounded.ts';
import { shardOf } from '../../src/fleet/shard.ts';
import type { FleetReport } from '../../src/index.ts';
import { startCli, type CliProcess } from '../cli/cli-process.ts';
import { project } from '../cli/project.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 180_000 });

const names = Array.from({ length: 200 }, (_, at) => `tenant_${at}`);
const shards = 4;

/** What runs twice counts twice. */
const files = {
  'sql/0000_counter.sql': 'CREATE TABLE counter AS SELECT 0 AS n;',
  'sql/0001_first.sql': 'UPDATE counter SET n = n + 1;',
  'sql/0002_second.sql': 'UPDATE counter SET n = n + 1;',
};

const config = `import { sqlFiles } from 'slipway';
export default {
  plugins: [{ id: 'shop', migrations: sqlFiles(new URL('./sql', import.meta.url)) }],
};`;

const targets = `const at = new URL(process.env.DATABASE_URL);
export default Array.from({ length: ${names.length} }, (_, i) => {
  const url = new URL(at);
  url.pathname = '/tenant_' + i;
  return { name: 'tenant_' + i, url: url.href };
});`;

function addressOf(url: string, name: string): string {
  const address = new URL(url);
  address.pathname = `/${name}`;
  return address.href;
}

async function makeDatabases(url: string): Promise<void> {
  const pool = new Pool({ connectionString: url, max: 4 });
  try {
    // The first session of a database fills its caches of the catalogs, which the copies then have.
    await pool.query('CREATE DATABASE template TEMPLATE template0');
    const client = new Client({ connectionString: addressOf(url, 'template') });
    await client.connect();
    await client.query('SELECT count(*) FROM pg_class');
    await client.end();
    await mapBounded(names, 4, async (name) => {
      await pool.query(`CREATE DATABASE ${name} TEMPLATE template STRATEGY file_copy`);
    });
  } finally {
    await pool.end();
  }
}

/** The counter, and the rows of the history. */
async function readDatabase(url: string, name: string): Promise<object | undefined> {
  const client = new Client({ connectionString: addressOf(url, name) });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number; files: number }>(
      'SELECT n, (SELECT count(*)::int FROM plugin_shop.__drizzle_migrations) AS files FROM plugin_shop.counter',
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

const readReport = ({ stdout }: { readonly stdout: string }): FleetReport =>
  JSON.parse(stdout) as FleetReport;

test('200 databases and four shards: one is killed in the middle, and its next run goes on there', async () => {
  // Nothing of it is dropped one by one: the server goes with its folder.
  await using postgres = await startPostgres({
    from: 'local',
    settings: { max_connections: 100, autovacuum: 'off' },
  });
  const [cwd] = await Promise.all([
    project({ 'slipway.config.js': config, 'targets.js': targets, ...files }),
    makeDatabases(postgres.url),
  ]);
  const start = (index: number): CliProcess =>
    startCli(
      ['migrate', '--fleet', 'targets.js', '--shard', `/${shards}`, '--canary', '1', '--json'],
      { cwd, env: { DATABASE_URL: postgres.url, JOB_COMPLETION_INDEX: String(index) } },
    );
  const running = Array.from({ length: shards }, (_, index) => start(index));
  const [first, victim, ...others] = running;
  if (!first || !victim) throw new Error('There are no shards');
  // By then four databases are being migrated, and many have not begun.
  await victim.prints(/^ {2}(?:[1-3]\d) of \d+ databases: /m);
  victim.kill('SIGKILL');
  expect(await victim.ended).toMatchObject({ code: null, signal: 'SIGKILL', stdout: '' });
  for (const { ended } of [first, ...others]) expect(await ended).toMatchObject({ code: 0 });

  const again = await start(1).ended;
  expect(again).toMatchObject({ code: 0 });
  const report = readReport(again);
  // What the killed process had done is passed over, and the rest is done.
  expect(report.counts).toMatchObject({ failed: 0, canceled: 0, notReached: 0 });
  expect(report.counts.upToDate).toBeGreaterThanOrEqual(10);
  expect(report.counts.done).toBeGreaterThan(0);

  const reports = [...(await Promise.all([first, ...others].map(({ ended }) => ended))), again];
  const seen = reports.flatMap((each) =>
    readReport(each).databases.flatMap(({ name, canary }) => (canary ? [] : [name])),
  );
  expect(seen.toSorted()).toEqual(names.slice(1).toSorted());
  expect(report.databases.slice(1).map(({ name }) => shardOf(name, shards))).toEqual(
    report.databases.slice(1).map(() => 1),
  );
  const found = await mapBounded(names, 8, (name) => readDatabase(postgres.url, name));
  expect(found).toEqual(names.map(() => ({ n: 2, files: 3 })));
});
