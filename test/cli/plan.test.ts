import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { linkSlipway } from '../../docs/examples/shop/link-slipway.ts';
import { useDatabase } from '../support/database.ts';
import { startSilentServer } from '../support/silent-server.ts';
import { packageRoot } from '../support/built-package.ts';
import { configOf, lastLine, runCli, startCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';

const db = useDatabase();
beforeAll(linkSlipway);

/** A folder with a config in JavaScript, which is removed after the test. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const entry = JSON.stringify(join(packageRoot, 'dist/src/index.js'));

/** A config with one plugin, whose files are in a folder with a comma and a colon in its name. */
const config = `import { sqlFiles } from ${entry};
export default () => ({
  pool: process.env.DATABASE_URL,
  plugins: [{ id: 'notes', migrations: sqlFiles(new URL('./sql,%20of:notes/', import.meta.url)) }],
});`;

describe('slipway plan', () => {
  it.each(['plan', 'status'])('%s says what it waits for when it takes long', async (command) => {
    await using silent = await startSilentServer();
    const cli = startCli([command, '--json'], { env: { DATABASE_URL: silent.url } });
    await cli.prints(/^Still waiting for PostgreSQL, .*: see slipway doctor\.$/m);
    cli.kill('SIGKILL');
    expect((await cli.ended).stdout).toBe('');
  });

  it('shows what a boot would do, and changes nothing', async () => {
    const { url } = await db.fresh();
    for (const _ of ['first', 'second']) {
      const { code, stdout, stderr } = await runCli(['plan'], { env: { DATABASE_URL: url } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^ {2}auth +plugin_auth +0 +5$/m);
      expect(lastLine(stdout)).toBe(
        'A boot would apply 53 files of 12 plugins (12 plugins, 53 files in all).',
      );
    }
  });

  it('--check ends with 3 while files are pending, and with 0 afterwards', async () => {
    const { url } = await db.fresh();
    const env = { DATABASE_URL: url };
    const before = await runCli(['plan', '--check'], { env });
    expect(before.code).toBe(3);
    expect(before.stderr).toBe('The check found 53 pending files.\n');
    const status = await runCli(['status'], { env });
    expect(status.code).toBe(0);
    await runCli(['migrate'], { env });
    const after = await runCli(['plan', '--check'], { env });
    expect(after).toMatchObject({ code: 0, stderr: '' });
    expect(lastLine(after.stdout)).toBe('Nothing to migrate (12 plugins, 53 files).');
  });

  it('--sql prints the statements, which PostgreSQL accepts', async () => {
    const { url } = await db.fresh();
    const folder = await project({
      'slipway.config.mjs': config,
      'sql, of:notes/0001_init.sql': 'CREATE TABLE notes (id int);\nINSERT INTO notes VALUES (1)',
    });
    const { stdout } = await runCli(['plan', '--sql'], { cwd: folder, env: { DATABASE_URL: url } });
    expect(stdout).toBe(
      '-- notes: 0001_init.sql, in the schema plugin_notes\nCREATE TABLE notes (id int);\nINSERT INTO notes VALUES (1);\n',
    );
    await db.query(`BEGIN; ${stdout}; ROLLBACK`);
  });

  it('says at which command an unfinished file goes on', async () => {
    const { url } = await db.fresh();
    const folder = await project({
      'slipway.config.mjs': config,
      'sql, of:notes/0001_init.sql':
        '-- slipway: no-transaction\nCREATE TABLE notes (id int);\nSELECT 1 / 0;\nVACUUM notes;',
    });
    const options = { cwd: folder, env: { DATABASE_URL: url } };
    expect((await runCli(['migrate'], options)).code).not.toBe(0);
    const { stdout } = await runCli(['plan'], options);
    expect(stdout).toContain(
      '0001_init.sql  2 statements, outside of a transaction, goes on at command 2 of 3',
    );
    const sql = await runCli(['plan', '--sql'], options);
    expect(sql.stdout).toBe(
      '-- notes: 0001_init.sql, in the schema plugin_notes, outside of a transaction, from command 2 on\nSELECT 1 / 0;\nVACUUM notes;\n',
    );
    const json = await runCli(['plan', '--json'], options);
    expectDocument(json.stdout, 'slipway.plan/1');
  });

  it('prints nothing of what a config prints, also when it is no JSON', async () => {
    const { url } = await db.fresh();
    const { stdout, stderr } = await runCli(['plan', '--sql', '--config', configOf('small')], {
      env: { DATABASE_URL: url },
    });
    expect(stdout).toMatch(/^-- notes: 0001-notes, /);
    expect(stderr).toBe('a config that prints\n');
  });

  it('--json prints a document of its schema, healthy and broken', async () => {
    const { url } = await db.fresh();
    const env = { DATABASE_URL: url };
    for (const command of ['plan', 'status']) {
      const { stdout } = await runCli([command, '--json'], { env });
      expectDocument(stdout, `slipway.${command}/1`);
    }
    const folder = await project({
      'slipway.config.mjs': config,
      'sql, of:notes/0001_init.sql': 'SELECT 1;\n COMMIT;',
    });
    const { code, stdout } = await runCli(['plan', '--json', '--check'], { cwd: folder, env });
    expect(code).toBe(3);
    expectDocument(stdout, 'slipway.plan/1');
    expect(JSON.parse(stdout)).toMatchObject({
      problems: [{ plugin: 'notes', file: '0001_init.sql', line: 2, column: 2 }],
    });
  });

  it('says which files run again, and annotates the one of several folders that a problem is in', async () => {
    const { url } = await db.fresh();
    const folder = await project({
      'slipway.config.mjs': `import { sqlFiles } from ${entry};
const in_ = (name) => new URL(name, import.meta.url);
export default () => ({
  pool: process.env.DATABASE_URL,
  plugins: [{ id: 'notes', migrations: [sqlFiles(in_('sql/')), sqlFiles(in_('views/'), { repeatable: true })] }],
});`,
      'sql/0001_init.sql': 'CREATE TABLE notes (id int);',
      'views/v.sql': 'CREATE OR REPLACE VIEW v AS SELECT id FROM notes;',
    });
    const call = { cwd: folder, env: { DATABASE_URL: url } };
    expect((await runCli(['migrate'], call)).code).toBe(0);
    await writeFile(join(folder, 'views/v.sql'), 'CREATE OR REPLACE VIEW v AS SELECT 1 AS id;');
    expect((await runCli(['plan'], call)).stdout).toMatch(
      /^ {2}v\.sql +1 statement, runs again, /m,
    );
    expect((await runCli(['plan', '--sql'], call)).stdout).toContain(
      '-- notes: v.sql, which runs again, in the schema plugin_notes',
    );
    const { stdout } = await runCli(['plan', '--json'], call);
    expectDocument(stdout, 'slipway.plan/1');
    expect(JSON.parse(stdout)).toMatchObject({
      plugins: [{ folders: [/sql$/, /views$/].map((end) => expect.stringMatching(end) as string) }],
    });
    await writeFile(join(folder, 'views/v.sql'), 'COMMIT;');
    const env = { ...call.env, GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: folder };
    expect((await runCli(['plan'], { cwd: folder, env })).stdout).toContain(
      '::error file=views/v.sql,',
    );
  });

  it('annotates problems in GitHub Actions, also in files with commas and colons, and writes a summary', async () => {
    const { url } = await db.fresh();
    const folder = await project({
      'slipway.config.mjs': config,
      'sql, of:notes/0001_100%, or: less.sql': 'CREATE TABLE a (id int);\n\n  COMMIT;',
    });
    const summary = join(folder, 'summary.md');
    const { code, stdout, stderr } = await runCli(['plan', '--check'], {
      cwd: folder,
      env: {
        DATABASE_URL: url,
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: folder,
        GITHUB_STEP_SUMMARY: summary,
      },
    });
    expect(code).toBe(3);
    const annotation = stdout.split('\n').find((line) => line.startsWith('::'));
    expect(annotation).toMatch(
      /^::error file=sql%2C of%3Anotes\/0001_100%25%2C or%3A less\.sql,line=3,col=3,title=MIGRATION_TRANSACTION_CONTROL::notes: line 3 has COMMIT, .*%0ARemove the command/,
    );
    expect(lastLine(stderr)).toBe('The check found 1 problem, 1 pending file.');
    expect(await readFile(summary, 'utf8')).toContain('## 1 problem');
  });

  it('that finds plugins which do not fit together ends with 3 for --check, with the error at the end', async () => {
    const folder = await project({
      'slipway.config.mjs': `export default { pool: 'postgres://127.0.0.1:1/x', plugins: [{ id: 'a' }, { id: 'a' }] };`,
    });
    const status = await runCli(['status', '--check'], { cwd: folder });
    expect(status.code).toBe(3);
    const { code, stderr } = await runCli(['plan', '--check'], { cwd: folder });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^GRAPH_INVALID: [^]*PLUGIN_DUPLICATE[^]*→ .*\n$/);
  });
});

describe('the config', () => {
  it('that is not there: the error says where it was searched, and how to begin', async () => {
    const folder = await project({});
    const { code, stdout, stderr } = await runCli(['plan'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^CONFIG_NOT_FOUND: There is no slipway\.config\.ts, .*\.mjs in \S+\n\n {2}→ .*slipway init.*\n$/,
    );
  });

  it('that throws: the error has its message and its place', async () => {
    const folder = await project({ 'slipway.config.mjs': `\nthrow new Error('no secret today');` });
    const { code, stderr } = await runCli(['plan'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^CONFIG_INVALID: slipway\.config\.mjs failed/);
    expect(stderr).toMatch(/cause +no secret today\n {2}thrown at .*slipway\.config\.mjs:2:7/);
  });

  it('that throws: --verbose and DEBUG print the stack before the error', async () => {
    const folder = await project({ 'slipway.config.mjs': `throw new Error('no secret today');` });
    for (const [args, env] of [
      [['--verbose'], {}],
      [[], { DEBUG: '1' }],
    ] as const) {
      const { stderr } = await runCli(['plan', ...args], { cwd: folder, env });
      expect(stderr).toMatch(
        /^BootError: [^]*\n {4}at [^]*caused by Error: no secret today\n {4}at /,
      );
      expect(stderr).toMatch(/\nCONFIG_INVALID: [^]*→ .*\n$/);
    }
  });

  it.each([
    ['exports nothing', ''],
    ['exports no options', 'export default 7;'],
    ['exports a function that returns none', 'export default () => undefined;'],
  ])('that %s: the error says what to export', async (_, text) => {
    const folder = await project({
      'slipway.config.js': text,
      'package.json': '{"type":"module"}',
    });
    const { code, stderr } = await runCli(['plan'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^CONFIG_INVALID: slipway\.config\.js does not export .*\n\n {2}→ .*defineConfig/,
    );
  });

  it('of CommonJS that is its own default export is read once', async () => {
    const folder = await project({
      'package.json': '{"type":"commonjs"}',
      'slipway.config.js': `module.exports = { pool: 'postgres://127.0.0.1:1/x', init: { concurrency: 0 } };
        module.exports.default = module.exports;`,
    });
    const { code, stderr } = await runCli(['plan'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('createBoot() has no option default');
  });

  it('with a wrong option ends with 2, and the option is named', async () => {
    const folder = await project({
      'slipway.config.mjs': `export default { pool: 'postgres://127.0.0.1:1/x', init: { concurrency: 0 } };`,
    });
    const { code, stderr } = await runCli(['plan'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^OPTIONS_INVALID: Expected init\.concurrency/);
  });

  it('may make its own pool, which is ended, and may be anywhere', async () => {
    const { url } = await db.fresh();
    const pg = JSON.stringify(join(packageRoot, 'node_modules/pg/esm/index.mjs'));
    const folder = await project({
      'deploy/shop.mjs': `import { Pool } from ${pg};
export default async () => ({ pool: new Pool({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 0 }), plugins: [{ id: 'a' }] });`,
    });
    const { code, stdout } = await runCli(['plan', '--config', 'deploy/shop.mjs'], {
      cwd: folder,
      env: { DATABASE_URL: url },
    });
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing to migrate (1 plugin, 0 files).');
  });
});

describe('slipway graph', () => {
  it('needs no database', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none' };
    const list = await runCli(['graph'], { env });
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(
      /^ {2}shipping +comes after host, which comes first; needs auth\.api from auth/m,
    );
    const { stdout } = await runCli(['graph', '--format', 'json'], { env });
    expectDocument(stdout, 'slipway.graph/1');
    const dot = await runCli(['graph', '--format', 'dot'], { env });
    expect(dot.stdout).toContain('"auth" -> "orders"');
    const mermaid = await runCli(['graph', '--format', 'mermaid'], { env });
    expect(mermaid.stdout).toMatch(/^graph TD\n {2}p0\["host"\]/);
  });
});
