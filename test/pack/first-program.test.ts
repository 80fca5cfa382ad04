import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../support/built-package.ts';
import { packBuiltPackage, withTestedVersion } from '../support/packed-package.ts';

const run = promisify(execFile);

/** The first block of a kind in the README. */
function blockOf(readme: string, kind: 'program' | 'commands' | 'output'): string {
  const [, text] =
    new RegExp(`<!-- ${kind}: \\S+ -->\\s*\`\`\`\\w+\\n([^]*?)\`\`\``).exec(readme) ?? [];
  if (text === undefined) throw new Error(`The README has no ${kind}`);
  return text;
}

test('the first program of the README runs in an empty folder, by the lines printed there', async ({
  skip,
}) => {
  const readme = await readFile(join(packageRoot, 'README.md'), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'slipway-first-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const place = await mkdtemp(join(tmpdir(), 'slipway-pack-'));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const tarball = await packBuiltPackage(place);
  await writeFile(join(folder, 'main.ts'), blockOf(readme, 'program'));

  const { DATABASE_URL: _, ...env } = process.env;
  const options = { cwd: folder, env: { ...env, npm_config_prefer_offline: 'true' } };
  const commands = blockOf(readme, 'commands').trim().split('\n');
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
  expect(printed).toBe(blockOf(readme, 'output'));
}, 300_000);

/** Slipway as it is here, and of the others the versions that npm has at hand. */
async function packagesOf(names: readonly string[], tarball: string): Promise<readonly string[]> {
  expect(names).toContain('slipway');
  const versions = await withTestedVersion(names.map((name) => name.replace(/@.*/, '')));
  return names.map((name, index) => (name === 'slipway' ? tarball : (versions[index] ?? name)));
}
