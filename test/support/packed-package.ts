import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot, requireBuiltPackage } from './built-package.ts';

const run = promisify(execFile);

/** The result of `npm pack --json`. */
export interface Pack {
  /** The path of the tarball. */
  readonly tarball: string;
  /** The paths of the files in it. */
  readonly files: readonly string[];
}

/**
 * Packs a package.
 *
 * @param options `isBuilt`: whether the package is packed as it is, without the scripts that build it.
 */
export async function packPackage(
  source: string,
  destination: string,
  { isBuilt = false } = {},
): Promise<Pack> {
  const scripts = isBuilt ? ['--ignore-scripts'] : [];
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--loglevel=error', ...scripts, '--pack-destination', destination],
    { cwd: source },
  );
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; files: readonly { readonly path: string }[] },
  ];
  return { tarball: join(destination, filename), files: files.map(({ path }) => path) };
}

/** Packs this package. Other tests run programs on `dist/`, so it is packed as it is. */
export async function packBuiltPackage(destination: string): Promise<string> {
  requireBuiltPackage();
  const { tarball } = await packPackage(packageRoot, destination, { isBuilt: true });
  return tarball;
}

/** The result of {@link installPackedPackage}. */
export interface Installation {
  /** The path of the tarball. */
  readonly tarball: string;
  /** The reason why npm could not install it; `undefined` when it could. */
  readonly whyNot: string | undefined;
}

/** Packs this package, and installs it with its peers in an empty project, as a user does. */
export async function installPackedPackage(project: string): Promise<Installation> {
  const tarball = await packBuiltPackage(project);
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const peers = await withTestedVersion(['pg', 'drizzle-orm', '@types/pg', '@types/node']);
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...peers];
  try {
    await run('npm', install, { cwd: project });
    return { tarball, whyNot: undefined };
  } catch (error) {
    // On a user's machine, the registry may be out of reach; in CI, the install has to work.
    if (process.env['CI']) throw error;
    return { tarball, whyNot: `npm cannot install here: ${String(error).slice(0, 300)}` };
  }
}

/** Returns each name with the version that is tested here: `pg@8.23.1`. */
export async function withTestedVersion(names: readonly string[]): Promise<readonly string[]> {
  const { dependencies, devDependencies } = JSON.parse(
    await readFile(join(packageRoot, 'package.json'), 'utf8'),
  ) as Readonly<Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>>;
  return names.map((name) => `${name}@${devDependencies[name] ?? dependencies[name]}`);
}
