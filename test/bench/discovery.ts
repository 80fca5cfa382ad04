import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { createBoot } from 'slipway';
import { measureInTurn, type Rounds, type Sample } from './measure.ts';

/** What it takes to look at the dependencies of a host, one of which is a plugin. */
export interface DiscoveryResult {
  readonly dependencies: number;
  /** `plan()` of a boot that discovers: the import of the one plugin is in it. */
  readonly discovery: Sample;
  /** Reading and parsing the same package.json files, one after another. */
  readonly inTurn: Sample;
  /** The same, all at once: the least that anyone can do. */
  readonly atOnce: Sample;
}

/** Measures discovery against nothing but reading the package.json of every dependency. */
export async function measureDiscovery(
  dependencies: number,
  rounds: Rounds,
): Promise<DiscoveryResult> {
  return withDependencies(dependencies, async (root, names) => {
    const paths = names.map((name) => join(root, 'node_modules', name, 'package.json'));
    const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
    const samples = await measureInTurn(
      {
        discovery: () => timeOf(() => planWith(root)),
        inTurn: () =>
          timeOf(async () => {
            for (const path of paths) await read(path);
          }),
        atOnce: () => timeOf(() => Promise.all(paths.map(read))),
      },
      rounds,
    );
    return { dependencies, ...samples };
  });
}

/** No plugin of it has migrations, so that no connection is ever made. */
async function planWith(root: string): Promise<void> {
  const pool = new Pool();
  try {
    const { plugins } = await createBoot({ pool, discover: { root }, registry: false }).plan();
    if (plugins.length !== 1) throw new Error(`found ${plugins.length} plugins, not 1`);
  } finally {
    await pool.end();
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Writes a host with so many dependencies, for as long as `use` runs. */
async function withDependencies<Result>(
  count: number,
  use: (root: string, names: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const names = Array.from({ length: count }, (_, index) => `dependency-${index}`);
  try {
    await writePackage(root, { name: 'host', dependencies: dependingOn(names) });
    for (const name of names) {
      await writePackage(join(root, 'node_modules', name), {
        name,
        version: '1.0.0',
        type: 'module',
        exports: './index.js',
        ...(name === 'dependency-0' ? { slipway: { type: 'backend' } } : {}),
        // The package.json of a published package has about 2 kB.
        devDependencies: dependingOn(Array.from({ length: 80 }, (_, each) => `@scope/dev-${each}`)),
      });
    }
    await writeFile(
      join(root, 'node_modules/dependency-0/index.js'),
      "export default { id: 'a' };",
    );
    return await use(root, names);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function writePackage(folder: string, json: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify(json, null, 2));
}

function dependingOn(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, '^1.0.0']));
}
