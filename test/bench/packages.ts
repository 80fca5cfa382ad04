import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packBuiltPackage, withTestedVersion } from '../support/packed-package.ts';
import { measureInTurn, type Rounds, type Sample } from './measure.ts';

/** What a package weighs for the one who installs it, with `pg` beside it. */
interface PackageResult {
  /** What is installed: `kysely, pg`. */
  readonly names: string;
  /** How many packages npm installs. */
  readonly packages: number;
  /** Their size on the disk, in bytes. */
  readonly bytes: number;
  /** From the start of a process that imports them to its end, in ms. */
  readonly process: Sample;
}

/** The packages that are compared. */
export interface PackagesResult {
  /** A process that imports nothing. */
  readonly bare: Sample;
  readonly installed: readonly PackageResult[];
}

/** What others install to migrate and to query, and Slipway with and without Drizzle. */
export const rivals = [
  ['pg'],
  ['slipway', 'pg'],
  ['slipway', 'drizzle-orm', 'pg'],
  ['drizzle-orm', 'pg'],
  ['kysely', 'pg'],
  ['knex', 'pg'],
  ['node-pg-migrate', 'pg'],
] as const;

type Names = (typeof rivals)[number];

/** The module that a program imports, where it is not the package itself. */
const modules: Readonly<Record<string, string>> = {
  'drizzle-orm': 'drizzle-orm/node-postgres',
};

/** Installs each in an empty folder, and imports it in processes of its own. */
export async function measurePackages(
  wanted: readonly Names[],
  rounds: Rounds,
): Promise<PackagesResult> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-packages-'));
  try {
    const tarball = await packBuiltPackage(root);
    const folders = await Promise.all(
      wanted.map((names, at) => install(join(root, `${at}`), names, tarball)),
    );
    const samples = await measureInTurn(
      {
        bare: () => timeProcess(root, ''),
        ...Object.fromEntries(
          folders.map(({ folder, program }) => [folder, () => timeProcess(folder, program)]),
        ),
      },
      rounds,
    );
    const { bare } = samples;
    const installed = folders.map(({ folder, names, packages, bytes }) => ({
      names,
      packages,
      bytes,
      process: samples[folder as keyof typeof samples],
    }));
    return { bare, installed };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function install(folder: string, names: Names, tarball: string) {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  const tested = await withTestedVersion(names);
  const given = names.map((name, at) => (name === 'slipway' ? tarball : (tested[at] ?? name)));
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
  await promisify(execFile)('npm', ['install', ...options, ...given], { cwd: folder });
  const files = await readdir(join(folder, 'node_modules'), {
    recursive: true,
    withFileTypes: true,
  });
  const sizes = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async (file) => (await lstat(join(file.parentPath, file.name))).size),
  );
  const manifests = files.filter(
    ({ name, parentPath }) =>
      name === 'package.json' && /node_modules\/(?:@[^/]+\/)?[^/]+$/.test(parentPath),
  );
  return {
    folder,
    names: names.join(', '),
    packages: manifests.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    program: names.map((name) => `import '${modules[name] ?? name}';`).join('\n'),
  };
}

async function timeProcess(cwd: string, program: string): Promise<number> {
  const startMs = performance.now();
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd });
  return performance.now() - startMs;
}
