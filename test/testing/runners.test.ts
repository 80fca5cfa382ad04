import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';

const run = promisify(execFile);
const suites = fileURLToPath(new URL('runners/', import.meta.url));

/** Not among the development dependencies: it is more than 200 packages. */
const JEST = 'jest@30.5.2';

interface Ending {
  readonly code: number;
  readonly output: string;
}

/** Runs Node.js in the repository, as a user does: with the built package. */
async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ending> {
  requireBuiltPackage();
  // The runner of this test would be seen by the one that it starts.
  const outer = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_)/.test(name));
  const options = {
    cwd: packageRoot,
    env: { ...Object.fromEntries(outer), ...env, KIT_SERVER_URL: inject('postgresUrl') },
  };
  const { code, stdout, stderr } = await run(process.execPath, [...args], options).then(
    (ended) => ({ ...ended, code: 0 }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error,
  );
  return { code, output: stripVTControlCharacters(stdout + stderr) };
}

/** Expects what a failing assertion of the kit has to show, whatever else the runner writes around it. */
function expectBothOrders({ code, output }: Ending): void {
  expect(code).not.toBe(0);
  expect(output).toContain('an assertion that fails is shown with both orders');
  expect(output).toMatch(/ok {2}plugin\.init\.started boats {6}event \d+/);
  expect(output).toMatch(/-> {2}plugin\.migrate\.finished boats {2}came earlier, as event \d+/);
  expect(output).toContain('kit-tests.mjs:');
}

describe('node:test', () => {
  const nodeTest = (env?: NodeJS.ProcessEnv) =>
    runNode(['--test', '--test-reporter=spec', join(suites, 'kit.node.mjs')], env);

  test('runs a suite of the kit, and ends', async () => {
    const { code, output } = await nodeTest();
    expect(output).toMatch(/pass 4\b/);
    expect(code).toBe(0);
  });

  test('shows a failure with both orders', async () => {
    expectBothOrders(await nodeTest({ KIT_FAILS: '1' }));
  });

  test.each([
    ['testing', 5],
    ['testing-replicas', 3],
  ])(
    'runs the suite of docs/testing.md in %s',
    async (example, count) => {
      const { code, output } = await runNode([
        '--import',
        'jiti/register',
        '--test',
        '--test-reporter=spec',
        `docs/examples/${example}/catalog.test.ts`,
      ]);
      expect(output).toMatch(new RegExp(`pass ${count}\\b[^]*fail 0\\b`));
      expect(code).toBe(0);
    },
    180_000,
  );
});

describe('vitest', () => {
  const vitest = (env?: NodeJS.ProcessEnv) =>
    runNode(
      ['node_modules/vitest/vitest.mjs', 'run', '--config', join(suites, 'vitest.config.mjs')],
      env,
    );

  test('runs a suite of the kit, and ends', async () => {
    const { code, output } = await vitest();
    expect(output).toMatch(/Tests {2}4 passed/);
    expect(code).toBe(0);
  });

  test('shows a failure with both orders', async () => {
    expectBothOrders(await vitest({ KIT_FAILS: '1' }));
  });
});

describe('jest', () => {
  test('runs a suite of the kit, ends, and shows a failure with both orders', async ({ skip }) => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-jest-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    try {
      await run(
        'npm',
        ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', JEST],
        { cwd: folder },
      );
    } catch (error) {
      // On a user's machine there may be no registry to ask; in CI there has to be one.
      if (process.env['CI']) throw error;
      skip(`npm cannot install ${JEST} here: ${String(error).slice(0, 300)}`);
    }
    const jest = (env?: NodeJS.ProcessEnv) =>
      runNode(
        [
          '--experimental-vm-modules',
          join(folder, 'node_modules/jest/bin/jest.js'),
          '--config',
          join(suites, 'jest.config.mjs'),
        ],
        env,
      );
    const { code, output } = await jest();
    expect(output).toMatch(/Tests: +4 passed, 4 total/);
    expect(code).toBe(0);
    expectBothOrders(await jest({ KIT_FAILS: '1' }));
  }, 300_000);
});
