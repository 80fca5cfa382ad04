import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../support/built-package.ts';
import { installPackedPackage } from '../support/packed-package.ts';
import { useDatabase } from '../support/database.ts';

const run = promisify(execFile);
const db = useDatabase();

test('slipway init writes a project in an empty folder that compiles and boots with the packed package', async ({
  skip,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-init-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { whyNot } = await installPackedPackage(folder);
  if (whyNot !== undefined) skip(whyNot);
  const compilerOptions = {
    module: 'nodenext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const slipway = join(folder, 'node_modules/.bin/slipway');
  const { stdout } = await run(slipway, ['init'], { cwd: folder });
  expect(stdout).toContain('✔ slipway.config.ts\n');

  const tsc = join(packageRoot, 'node_modules/@typescript/native/bin/tsc');
  await run(process.execPath, [tsc, '-p', folder]);

  const { url } = await db.fresh();
  const program = spawn(slipway, ['start'], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  let printed = '';
  for await (const text of program.stderr.setEncoding('utf8') as AsyncIterable<string>) {
    printed += text;
    if (printed.includes('ready after')) break;
  }
  expect(printed).toContain('ready after');
  program.kill('SIGTERM');
  expect(await once(program, 'exit')).toEqual([0, null]);
}, 300_000);
