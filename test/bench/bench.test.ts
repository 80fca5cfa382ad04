import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { requireBuiltPackage } from '../support/built-package.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the bench in a process of its own, as `npm run bench` does, on the server of the tests. */
function runBench(...flags: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  requireBuiltPackage();
  const args = ['--import', 'jiti/register', 'test/bench/main.ts', ...flags];
  const env = { ...process.env, DATABASE_URL: inject('postgresUrl') };
  return promisify(execFile)(process.execPath, args, { cwd: root, env });
}

const measured = { ready: { runs: 1 }, clientCpuMs: expect.any(Number) as number };

test('the bench measures every part on both lines', { timeout: 240_000 }, async () => {
  const migrated = {
    slipway: measured,
    drizzle: measured,
    drizzleAtOnce: measured,
    kysely: measured,
    nodePgMigrate: measured,
    sqlOn1: measured,
  };
  const fresh = { ...migrated, sqlOn4: measured };
  const queries = ['select', 'insert', 'transaction'].flatMap((work) =>
    [
      { inFlight: 1, clients: 4 },
      { inFlight: 50, clients: 4 },
      { inFlight: 50, clients: 10 },
    ].map((traffic) => ({ work, ...traffic, ways: { slipway: { ratio: { runs: 1 } } } })),
  );
  const { stdout } = await runBench('--quick', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    plugins: 10,
    migrators: [
      { name: 'fresh', direct: { contenders: fresh }, slowLink: { contenders: fresh } },
      { name: 'upgrade', direct: { contenders: migrated }, slowLink: { contenders: migrated } },
    ],
    orchestrators: {
      cases: [10, 20].map((plugins) => ({
        plugins,
        contenders: { slipway: measured, avvio: measured, loop: measured },
      })),
    },
    queries: { direct: { cases: queries }, slowLink: { cases: queries } },
    init: {
      graphs: [false, true].map((isMigrated) => ({
        plugins: 5,
        migrated: isMigrated,
        wide: { runs: 1 },
        promises: { runs: 1 },
        eight: { runs: 1 },
        sequential: expect.any(Number) as number,
      })),
      sizes: [10, 20].map((plugins) => ({ plugins, initAll: { runs: 1 } })),
    },
    orchestration: { cases: Array.from({ length: 6 }, () => ({ start: { runs: 1 } })) },
    discovery: [{ dependencies: 10 }],
    versus: [
      { boot: 'no-op', line: 'direct' },
      { boot: 'no-op', line: 'slow link' },
      { boot: 'fresh', line: 'direct' },
      { boot: 'fresh', line: 'slow link' },
    ].map((row) => ({ ...row, ratio: expect.any(Number) as number })),
    install: { plugins: 3, files: 21, overRaw: expect.any(Number) as number },
    // However many plugins there are.
    survey: [
      { plugins: 10, statements: 2 },
      { plugins: 20, statements: 2 },
    ],
    upgrade: { slipway: expect.any(Number) as number, twoPass: expect.any(Number) as number },
    tenants: { tenants: 10, nothing: { statements: 2 }, upgrade: { all: { runs: 1 } } },
    guard: { relations: 500, guarded: { runs: 19 }, unguarded: { runs: 19 } },
    reader: { heldMs: 400, plain: { waitedMs: expect.any(Number) as number } },
    recording: [
      { plugins: 10, recorded: { runs: 1 }, plain: { runs: 1 }, cold: { plain: {}, recorded: {} } },
    ],
    help: { help: { runs: 1 }, bare: { runs: 1 } },
    telemetry: { plugins: 10, alone: { runs: 1 }, channels: { runs: 1 }, traced: { runs: 1 } },
    clicks: { plugins: 30, rows: { p90Ms: expect.any(Number) as number } },
  });
});

test('the bench runs one part alone and tells it in a table', async () => {
  const { stdout } = await runBench('--quick', '--only', 'noop');
  expect(stdout).toMatch(/no-op +direct .* ×/);
  expect(stdout).not.toMatch(/fresh +direct/);
});

test('the bench writes its tables in Markdown', async () => {
  const { stdout } = await runBench('--quick', '--only', 'help', '--markdown');
  expect(stdout).toMatch(/\*\*From the start of a process to its end\*\*\n\n\| +slipway --help /);
});

test('an unknown part, or a page of quick figures, is refused with the usage', async () => {
  await expect(runBench('--quick', '--page')).rejects.toMatchObject({ code: 2 });
  await expect(runBench('--only', 'everything')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      '--only migrators|orchestrators|queries|init|orchestration',
    ) as string,
  });
});
