import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { packageRoot } from '../support/built-package.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { everything } from '../support/rehearsals.ts';
import { untilFound } from '../support/server-sessions.ts';
import { runCli, startCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';

const db = useDatabase();

const entry = JSON.stringify(join(packageRoot, 'dist/src/index.js'));
const config = `import { sqlFiles } from ${entry};
export default () => ({
  pool: process.env.DATABASE_URL,
  plugins: [{ id: 'notes', migrations: sqlFiles(new URL('./', import.meta.url)) }],
});`;

const sleeping = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

let fresh: Database;
let cwd: string;
let call: { readonly cwd: string; readonly env: { readonly DATABASE_URL: string } };

/** A project with the table of an earlier release. */
async function start(): Promise<void> {
  fresh = await db.fresh();
  cwd = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  call = { cwd, env: { DATABASE_URL: fresh.url } };
  await writeFile(join(cwd, 'slipway.config.mjs'), config);
  await add('0000_init.sql', 'CREATE TABLE notes AS SELECT n FROM generate_series(1, 1000) n;');
  expect((await runCli(['migrate'], call)).code).toBe(0);
  await fresh.query('ANALYZE plugin_notes.notes');
}

function add(name: string, sql: string): Promise<void> {
  return writeFile(join(cwd, name), sql);
}

it('shows each file with its time, rows and locks, and names a table that is written anew', async () => {
  await start();
  await add('0001_big.sql', 'ALTER TABLE notes ALTER COLUMN n TYPE bigint;');
  const { code, stdout, stderr } = await runCli(['plan', '--rehearse'], call);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^The rehearsal ran on the database itself, and rolled back, in /m);
  expect(stdout).toMatch(
    /^ {2}notes +0001_big\.sql +done +\d+ms +ACCESS EXCLUSIVE on plugin_notes\.notes$/m,
  );
  expect(stdout).toMatch(
    /^ {2}! notes: 0001_big\.sql writes the table plugin_notes\.notes \(\d+ kB, about 1,000 rows\) anew/m,
  );
  const json = await runCli(['plan', '--rehearse', '--json'], call);
  expectDocument(json.stdout, 'slipway.plan/1');
});

it('ends with 3 when a file would fail, and shows the error with its place', async () => {
  await start();
  await add('0001_wrong.sql', 'ALTER TABLE notes\n  ADD COLUMN more wrong;');
  const { code, stdout, stderr } = await runCli(['plan', '--rehearse'], call);
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: 'The rehearsal found 1 file that would fail.\n',
  });
  expect(stdout).toMatch(/✖ notes: 0001_wrong\.sql would fail: [^]*"wrong" does not exist/);
  expect(stdout).toContain('2 |   ADD COLUMN more wrong;');
  expect(stdout).toContain(
    'A boot would fail: 1 problem. What comes before would be applied, and stay.',
  );
  expectDocument((await runCli(['plan', '--rehearse', '--json'], call)).stdout, 'slipway.plan/1');
});

it('ends with 3 when another session is in the way, and names it', async () => {
  await start();
  await add('0001_more.sql', 'ALTER TABLE notes ADD COLUMN more int;');
  const pool = fresh.pool({ application_name: 'report' });
  const client = await pool.connect();
  await client.query('BEGIN; SELECT * FROM plugin_notes.notes');
  const { code, stdout, stderr } = await runCli(['plan', '--rehearse'], call);
  const json = await runCli(['plan', '--rehearse', '--json'], call);
  await client.query('ROLLBACK');
  client.release();
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: 'The rehearsal found 1 file that could not get a lock.\n',
  });
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /! notes: 0001_more\.sql waits for a lock: .* report \(pid \d+, idle in transaction/,
  );
  expectDocument(json.stdout, 'slipway.plan/1');
});

it('rolls back at Ctrl-C, and ends with 130', async () => {
  await start();
  await add('0001_slow.sql', 'ALTER TABLE notes ADD COLUMN more int; SELECT pg_sleep(600);');
  const cli = startCli(['plan', '--rehearse', '--within', '10m'], call);
  await untilFound(fresh, sleeping);
  cli.kill('SIGINT');
  const { code, stderr } = await cli.ended;
  expect(code).toBe(130);
  expect(stderr).toMatch(
    /SIGINT: rolls back what runs\. .*\n[^]*BOOT_CANCELED: The rehearsal was canceled/,
  );
  const { rows } = await fresh.query(
    `SELECT attname FROM pg_attribute WHERE attrelid = 'plugin_notes.notes'::regclass AND attname = 'more'`,
  );
  expect(rows).toEqual([]);
});

it('leaves nothing when it is killed in the middle', async () => {
  await start();
  const before = await everything(fresh, 'plugin_notes');
  await add('0001_slow.sql', 'ALTER TABLE notes ADD COLUMN more int; SELECT pg_sleep(600);');
  const cli = startCli(['plan', '--rehearse', '--within', '10m'], call);
  await untilFound(fresh, sleeping);
  cli.kill('SIGKILL');
  await cli.ended;
  await untilFound(
    fresh,
    `SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')`,
  );
  expect(await everything(fresh, 'plugin_notes')).toEqual(before);
});

it('refuses a wrong call with 2, before it looks for a config', async () => {
  const alone = await runCli(['plan', '--within', '2s'], { cwd: tmpdir() });
  expect(alone).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--within needs --rehearse') as string,
  });
  await start();
  const soon = await runCli(['plan', '--rehearse', '--within', 'soon'], call);
  expect(soon.code).toBe(2);
  expect(soon.stderr).toContain(
    'OPTIONS_INVALID: Expected plan().rehearse.within to be a duration',
  );
});
