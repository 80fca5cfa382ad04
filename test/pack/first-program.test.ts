import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { packBuiltPackage, withTestedVersion } from '../support/packed-package.ts';
import { readBlock } from '../support/readme-blocks.ts';

const run = promisify(execFile);

test('the first program of the README runs in an empty folder, by the lines printed there', async ({
  skip,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-first-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const place = await mkdtemp(join(tmpdir(), 'slipway-pack-'));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const tarball = await packBuiltPackage(place);
  await writeFile(join(folder, 'main.ts'), await readBlock('program'));

  const { DATABASE_URL: _, ...env } = process.env;
  const options = { cwd: folder, env: { ...env, npm_config_prefer_offline: 'true' } };
  const commands = (await readBlock('commands')).trim().split('\n');
  let printed = '';
  for (const command of commands) {
    const [program = '', verb, ...names] = command.split(' ');
    const isInstall = program === 'npm' && verb === 'install';
    const given = isInstall
      ? ['install', ...(await packagesOf(names, tarball))]
      : [verb ?? '', ...names];
    try {
      printed = (await run(program, given, options)).stdout;
    } catch (error) {
      // On a user's machine there may be no registry to ask; in CI there has to be one.
      if (!isInstall || process.env['CI']) throw error;
      skip(`npm cannot install here: ${String(error).slice(0, 300)}`);
    }
  }
  expect(printed).toBe(await readBlock('output'));
}, 300_000);

/** Slipway as it is here, and of the others the versions that npm has at hand. */
async function packagesOf(names: readonly string[], tarball: string): Promise<readonly string[]> {
  expect(names).toContain('slipway');
  const versions = await withTestedVersion(names.map((name) => name.replace(/@.*/, '')));
  return names.map((name, index) => (name === 'slipway' ? tarball : (versions[index] ?? name)));
}
