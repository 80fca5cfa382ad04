import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { linkSlipway } from '../../docs/examples/shop/link-slipway.ts';
import { readStory, verify } from '../../src/insight.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { configOf, lastLine, runCli, startCli } from './cli-process.ts';

const db = useDatabase();
beforeAll(linkSlipway);

const small = ['--config', configOf('small')];
const failed = ['--config', 'situations/failed.config.ts'];

/** A path for a recording, which is removed after the test. */
async function recordingPath(): Promise<string> {
  const folder = await migrationFolder({});
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'boot.jsonl');
}

describe('slipway migrate', () => {
  it('applies what is pending, says when there is nothing, and leaves standard output empty', async () => {
    const { url } = await db.fresh();
    const env = { DATABASE_URL: url };
    const first = await runCli(['migrate'], { env });
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(lastLine(first.stderr)).toBe('Applied 53 files (12 plugins, 53 files in all).');
    const second = await runCli(['migrate'], { env });
    expect(lastLine(second.stderr)).toBe('Nothing to migrate (12 plugins, 53 files).');
  });

  it('ends with 1 and the error at the very end when a migration fails, in a pipe and in CI', async () => {
    const { url } = await db.fresh();
    for (const more of [{}, { CI: 'true', GITHUB_ACTIONS: 'true' }]) {
      const { code, stdout, stderr } = await runCli(['migrate', ...failed], {
        env: { DATABASE_URL: url, ...more },
      });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/\nMIGRATION_FAILED: [^]*0002_expiry\.sql[^]*\n {2}→ [^\n]*\n$/);
    }
  });

  it('ends with 4, and names the holder, when another process keeps its lock', async () => {
    const { url } = await db.fresh();
    await using holder = await holdLock(url, migrationLockKey('plugin_notes'));
    const { code, stderr } = await runCli(['migrate', ...small], {
      env: { DATABASE_URL: url, LOCK_WAIT: '1' },
    });
    expect(code).toBe(4);
    expect(stderr).toMatch(
      new RegExp(`MIGRATION_LOCK_TIMEOUT: [^]*pid ${holder.pid}[^]*\n {2}→ .*\n$`),
    );
  });

  it('prints a recording with --json, and nothing else, whatever a config or a plugin prints', async () => {
    const { url } = await db.fresh();
    const { code, stdout, stderr } = await runCli(['migrate', ...small, '--json'], {
      env: { DATABASE_URL: url },
    });
    expect(code).toBe(0);
    const story = await readStory(stdout.split('\n'));
    expect(verify(story)).toEqual([]);
    expect(story.record.finished?.outcome).toBe('migrated');
    expect(stderr).toContain('a config that prints');
  });

  it('does not fail by a summary that cannot be written', async () => {
    const { url } = await db.fresh();
    const env = { DATABASE_URL: url, GITHUB_STEP_SUMMARY: '/' };
    const { code, stderr } = await runCli(['migrate', ...small], { env });
    expect(code).toBe(0);
    expect(stderr).toContain('The summary of the job was not written: ');
  });

  it('appends the boot to the summary of a job', async () => {
    const { url } = await db.fresh();
    const path = await recordingPath();
    await runCli(['migrate', ...small], { env: { DATABASE_URL: url, GITHUB_STEP_SUMMARY: path } });
    expect(await readFile(path, 'utf8')).toContain('0001-notes');
  });
});

describe('slipway start', () => {
  it('serves until SIGTERM, stops in order, and ends with 0', async () => {
    const { url } = await db.fresh();
    const record = await recordingPath();
    const cli = startCli(['start', ...small, '--record', record], { env: { DATABASE_URL: url } });
    await cli.prints(/Ctrl-C stops it/);
    cli.kill('SIGTERM');
    expect(await cli.ended).toMatchObject({ code: 0, signal: null });
    expect(cli.stderr).toMatch(/SIGTERM: stops everything[^]*✔ notes +stopped/);
    const story = await readStory(record);
    expect(story.record.stopping?.reason).toBe('SIGTERM');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'interrupted by %s while a plugin starts ends with %i, with the error at the end',
    async (signal, code) => {
      const { url } = await db.fresh();
      const cli = startCli(['start', ...small], { env: { DATABASE_URL: url, HANG: '1' } });
      await cli.prints(/a plugin that prints/);
      cli.kill(signal);
      expect(await cli.ended).toMatchObject({ code, signal: null });
      expect(cli.stderr).toMatch(/\nBOOT_CANCELED: .*initAll.*\n[^]*→ .*\n$/);
    },
  );

  it('interrupted while it waits for a migration lock ends with 130', async () => {
    const { url } = await db.fresh();
    await using _ = await holdLock(url, migrationLockKey('plugin_notes'));
    const cli = startCli(['start', ...small], { env: { DATABASE_URL: url } });
    await cli.prints(/notes +waits for .*pid \d+/);
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: 130, signal: null });
    expect(cli.stderr).toMatch(/\nBOOT_CANCELED: .*migrateAll.*\n[^]*→ .*\n$/);
  });

  it('cut off by a second signal ends at once, and says so', async () => {
    const { url } = await db.fresh();
    const cli = startCli(['start', ...small], { env: { DATABASE_URL: url, HANG_STOP: '1' } });
    await cli.prints(/Ctrl-C stops it/);
    cli.kill('SIGINT');
    await cli.prints(/SIGINT: stops everything/);
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: null, signal: 'SIGINT' });
    expect(lastLine(cli.stderr)).toBe(
      '  SIGINT: cut off. PostgreSQL rolls back what was not committed.',
    );
    // PostgreSQL notices the end of a session after its process.
    await expect.poll(async () => (await db.query('select 1')).rowCount).toBe(1);
  });

  it('that cannot stop a plugin ends with 1, and the error at the end', async () => {
    const { url } = await db.fresh();
    const cli = startCli(['start', ...small], {
      env: { DATABASE_URL: url, HANG_STOP: '1', STOP_TIMEOUT: '1' },
    });
    await cli.prints(/Ctrl-C stops it/);
    cli.kill('SIGTERM');
    expect(await cli.ended).toMatchObject({ code: 1, signal: null });
    expect(cli.stderr).toMatch(/\nSTOP_TIMEOUT: [^]*→ .*\n$/);
  });

  it('that finds no PostgreSQL ends with 1 and the error at the end', async () => {
    const { code, stderr } = await runCli(['start', '--config', configOf('unreachable')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nDATABASE_UNREACHABLE: [^]*→ .*\n$/);
  });

  it('shows the boot in the inspector, which answers the questions, too', async () => {
    const { url } = await db.fresh();
    const cli = startCli(['start', ...small, '--inspect'], {
      env: { DATABASE_URL: url, HANG: '1' },
    });
    const [, address = ''] = await cli.prints(/The inspector shows this boot: (\S+)/);
    await cli.prints(/a plugin that prints/);
    const { code, stdout } = await runCli(['why', 'notes', address]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^notes starts: its init has run for \S+\n$/);
    cli.kill('SIGINT');
    await cli.ended;
    const late = await runCli(['why', 'notes', address]);
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(/^INSPECTOR_UNAVAILABLE: /);
  });
});

describe('a question about a boot', () => {
  it('reads the recording of one that runs as going on', async () => {
    const { url } = await db.fresh();
    const record = await recordingPath();
    const cli = startCli(['start', ...small, '--record', record], {
      env: { DATABASE_URL: url, HANG: '1' },
    });
    await cli.prints(/a plugin that prints/);
    const running = await runCli(['why', 'notes', record]);
    expect(running.stdout).toMatch(/^notes starts: its init has run for /);
    cli.kill('SIGKILL');
    await cli.ended;
    const cut = await runCli(['findings', record]);
    expect(cut.code).toBe(0);
  });

  it('reads what slipway --json prints from standard input', async () => {
    const { url } = await db.fresh();
    const { stdout: input } = await runCli(['migrate', ...small, '--json'], {
      env: { DATABASE_URL: url },
    });
    const { stdout } = await runCli(['why', 'notes', '-'], { input });
    // Where a line is wrapped depends on how long the time is.
    expect(stdout.replaceAll(/\s+/g, ' ').trim()).toMatch(
      /^notes is migrated: 1 file applied in \S+ \(0001-notes\)\. This boot was asked to migrate only, and was not meant to start plugins$/,
    );
    const asked = await runCli(['what-if', '-', '--without', 'notes.init'], { input });
    expect(asked.stdout).toContain('This boot was asked to migrate only: no plugin started');
    expect((await runCli(['timeline', '-'], { input })).stdout).toMatch(
      /\n█ migrates {2}· waits\n$/,
    );
  });
});
