import { describe, expect, it } from 'vitest';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { makeDatabases, type TestTarget } from '../fleet/fleet-fixture.ts';
import { holdLock } from '../http/held-lock.ts';
import { useDatabase } from '../support/database.ts';
import { lastLine, runCli, startCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';
import { project } from './project.ts';

const db = useDatabase();

const sql = {
  '0000_notes.sql': 'CREATE TABLE notes (id int);',
  '0001_index.sql': 'CREATE INDEX ON notes (id);',
};

/** A project with the plugin notes, whose databases stand in TARGETS. Its config has no pool. */
function fleetProject(files: Readonly<Record<string, string>> = sql, more = ''): Promise<string> {
  return project({
    'slipway.config.ts': `import { sqlFiles, type FleetBootOptions } from 'slipway';
console.log('a config that prints');
const options: FleetBootOptions = {
  plugins: [{ id: 'notes', migrations: sqlFiles(new URL('./sql', import.meta.url)) }],
  connect: { wait: 0 },
  migrations: { lockWait: '200ms' },
  logger: 'info',
  record: 'boot.jsonl',
  ${more}
};
export default options;`,
    'targets.ts': `import type { FleetTarget } from 'slipway';
export default async (): Promise<readonly FleetTarget[]> => JSON.parse(process.env.TARGETS ?? '[]');`,
    ...(Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`sql/${name}`, text]),
    ) as Readonly<Record<string, string>>),
  });
}

/** The same database with a password, which a server that trusts does not ask for. */
function withPassword(address: string): string {
  const url = new URL(address);
  url.username ||= 'postgres';
  url.password = 'hunter2';
  return url.href;
}

function targetsOf(databases: readonly TestTarget[]) {
  return databases.map(({ name, database }) => ({ name, url: withPassword(database.url) }));
}

const down = { name: 'down', url: 'postgres://postgres:hunter2@127.0.0.1:1/down' };
const fleet = ['--fleet', 'targets.ts'];

async function runIn(
  cwd: string,
  args: readonly string[],
  targets: unknown,
  env: Readonly<Record<string, string>> = {},
) {
  const ended = await runCli(args, { cwd, env: { TARGETS: JSON.stringify(targets), ...env } });
  expect(ended.stdout + ended.stderr).not.toContain('hunter2');
  return ended;
}

describe('slipway migrate --fleet', () => {
  it('migrates every database, and says the next time that there is nothing to do', async () => {
    const cwd = await fleetProject();
    const targets = targetsOf(await makeDatabases(db, 5));
    const before = await runIn(cwd, ['plan', ...fleet, '--check'], targets);
    expect(before.code).toBe(3);
    expect(before.stderr).toMatch(/The check found 5 databases behind\.\n$/);
    expect(before.stdout).toMatch(/5 databases would get 2 files\n +d0, d1, d2, d3, d4\n/);
    const first = await runIn(cwd, ['migrate', ...fleet, '--canary', '2'], targets);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/migrated +5 +d0, d1, d2, d3, d4\n/);
    expect(first.stderr).toMatch(/✔ d0 \(canary\) +2 files\n.*\n +✔ d1 \(canary\) +2 files\n/);
    expect(lastLine(first.stderr)).toMatch(/5 of 5 databases: 5 migrated after/);
    const again = await runIn(cwd, ['migrate', ...fleet], targets);
    expect(lastLine(again.stdout)).toMatch(/^Nothing to migrate in 5 databases\. It took/);
    const after = await runIn(cwd, ['plan', ...fleet, '--check'], targets);
    expect(after).toMatchObject({ code: 0 });
    expect(lastLine(after.stdout)).toBe('Nothing to migrate in 5 of 5 databases.');
  });

  it('prints one document with --json, and nothing else, without a password', async () => {
    const cwd = await fleetProject({ ...sql, '0002_wrong.sql': 'ALTER TABLE note ADD x int;' });
    const targets = [...targetsOf(await makeDatabases(db, 3)), down];
    const plan = await runIn(cwd, ['plan', ...fleet, '--json'], targets);
    expect(expectDocument(plan.stdout, 'slipway.fleet-plan/1')).toMatchObject({
      counts: { behind: 3, failed: 1, upToDate: 0 },
      behind: [{ databases: ['d0', 'd1', 'd2'] }],
      failures: [{ code: 'DATABASE_UNREACHABLE', databases: ['down'] }],
    });
    const { code, stdout, stderr } = await runIn(
      cwd,
      ['migrate', ...fleet, '--json', '--concurrency', '1'],
      targets,
    );
    expect(code).toBe(1);
    expect(lastLine(stderr)).toBe('1 of 4 databases failed. 3 are left: run it again to go on.');
    expect(expectDocument(stdout, 'slipway.fleet-report/1')).toMatchObject({
      outcome: 'failed',
      counts: { failed: 1, notReached: 3 },
      failures: [{ code: 'MIGRATION_FAILED', plugin: 'notes', file: '0002_wrong.sql' }],
      databases: [{ name: 'd0', outcome: 'failed', error: { plugin: 'notes' } }, {}, {}, {}],
    });
  });

  it('--keep-going passes over a database that is down, and still ends with 1', async () => {
    const cwd = await fleetProject();
    const targets = [down, ...targetsOf(await makeDatabases(db, 2))];
    const stopped = await runIn(cwd, ['migrate', ...fleet, '--concurrency', '1'], targets);
    expect(stopped.code).toBe(1);
    expect(stopped.stdout).toMatch(/failed +1 +down\n +not begun +2 +d0, d1\n/);
    expect(stopped.stdout).toMatch(/DATABASE_UNREACHABLE: [^]*in 1 database: down\n +→ /);
    const passed = await runIn(cwd, ['migrate', ...fleet, '--keep-going'], targets);
    expect(passed.code).toBe(1);
    expect(passed.stdout).toMatch(/migrated +2 +d0, d1\n +failed +1 +down\n/);
  });

  it('ends with 4 when all that failed was a lock that another process holds', async () => {
    const cwd = await fleetProject();
    const [first, second] = await makeDatabases(db, 2);
    await using _ = await holdLock(first!.database.url, migrationLockKey('plugin_notes'));
    const targets = targetsOf([first!, second!]);
    const { code, stdout } = await runIn(cwd, ['migrate', ...fleet, '--keep-going'], targets);
    expect(code).toBe(4);
    expect(stdout).toMatch(/MIGRATION_LOCK_TIMEOUT/);
  });

  it('stops in good order at Ctrl-C, says what is left, and ends with 130', async () => {
    const cwd = await fleetProject(sql, "migrations: { lockWait: '10m' },");
    const databases = await makeDatabases(db, 4);
    await using _ = await holdLock(databases[1]!.database.url, migrationLockKey('plugin_notes'));
    const cli = startCli(['migrate', ...fleet, '--concurrency', '1', '--json'], {
      cwd,
      env: { TARGETS: JSON.stringify(targetsOf(databases)) },
    });
    await cli.prints(/1 of 4 databases: 1 migrated/);
    cli.kill('SIGINT');
    const { code, stdout, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/SIGINT: stops everything in good order/);
    expect(lastLine(stderr)).toBe(
      'The run over 4 databases was stopped. 3 are left: run it again to go on.',
    );
    expect(expectDocument(stdout, 'slipway.fleet-report/1')).toMatchObject({
      outcome: 'canceled',
      counts: { done: 1, failed: 0 },
    });
  });
});

describe('the shard of a fleet', () => {
  it('is i/n, or /n in a pod of an Indexed Job', async () => {
    const cwd = await fleetProject();
    const targets = targetsOf(await makeDatabases(db, 6));
    const shards = await Promise.all([
      runIn(cwd, ['migrate', ...fleet, '--json', '--shard', '0/2'], targets),
      runIn(cwd, ['migrate', ...fleet, '--json', '--shard', '/2'], targets, {
        JOB_COMPLETION_INDEX: '1',
      }),
    ]);
    const documents = shards.map(({ stdout }) => JSON.parse(stdout) as ShardDocument);
    expect(documents.map(({ shard }) => shard)).toEqual([
      { index: 0, count: 2 },
      { index: 1, count: 2 },
    ]);
    const names = documents.flatMap(({ databases }) => databases.map(({ name }) => name));
    expect(names.toSorted()).toEqual(['d0', 'd1', 'd2', 'd3', 'd4', 'd5']);
  });
});

interface ShardDocument {
  readonly shard: object;
  readonly databases: readonly { readonly name: string }[];
}

describe('a call that is wrong', () => {
  it.each([
    [['--shard', '4/4'], /the shards count from 0, so the last one is 3\/4/],
    [['--shard', '1'], /--shard takes i\/n, such as 0\/4/],
    [['--shard', '/4'], /from JOB_COMPLETION_INDEX, which is not set/],
    [['--shard', '0/0'], /--shard takes i\/n, such as 0\/4/],
    [['--canary', 'many'], /--canary takes a number/],
    [['--concurrency', '0'], /Expected concurrency to be an integer from 1 to 100, got 0/],
    [['--record', 'boot.jsonl'], /--record is for one database/],
  ])('%s ends with 2', async (more, message) => {
    const cwd = await fleetProject();
    const { code, stdout, stderr } = await runIn(cwd, ['migrate', ...fleet, ...more], [down]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('is one that has options of a fleet without --fleet', async () => {
    const cwd = await fleetProject();
    for (const args of [
      ['migrate', '--keep-going'],
      ['plan', '--shard', '0/4'],
    ]) {
      const { code, stderr } = await runIn(cwd, args, []);
      expect(code).toBe(2);
      expect(stderr).toContain('needs --fleet <targets>');
    }
  });

  it.each([
    ['none.ts', undefined, /CONFIG_NOT_FOUND: There is no none\.ts/],
    ['list.js', 'export default [];', /got an empty list/],
    ['list.js', "export default 'postgres://u:hunter2@h/d';", /Expected targets to be a list/],
    [
      'list.js',
      'export default () => { throw new Error("no answer") };',
      /list\.js failed when it was loaded[^]*no answer/,
    ],
    ['list.js', 'export default [null];', /Expected targets\[0\] to be \{ name, url \}/],
    [
      'list.js',
      "export default [{ name: 'a', url: process.env.NOPE }];",
      /to have url or pool, got neither/,
    ],
    ['list.js', 'export default [{', /list\.js failed when it was loaded/],
  ])('names %s (%s) and what is wrong with it', async (name, text, message) => {
    const cwd = await project({
      'slipway.config.js': 'export default { plugins: [] };',
      ...(text === undefined ? {} : { [name]: text }),
    });
    for (const command of ['migrate', 'plan']) {
      const { code, stdout, stderr } = await runIn(cwd, [command, '--fleet', name], []);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
    }
  });
});
