import { constants, existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { BinaryPackage } from './package-binaries.ts';
import { isRecord } from '../core/foreign-value.ts';

/**
 * Copies a platform package's binaries into the cache, once, and returns the copy.
 * They do not run where npm put them: the folder may be closed to the server's user, and the links
 * between the libraries are made by an install script that npm 12 and pnpm block.
 */
export async function stageBinaries(source: BinaryPackage, cache: string): Promise<string> {
  const name = `${process.platform}-${process.arch}-${source.version}`;
  const links = await readLinks(source.native);
  const expected = [
    ...(await readdir(source.native, { recursive: true })),
    ...links.map(({ path }) => path),
  ];
  const isComplete = (copy: string) => expected.every((path) => existsSync(join(copy, path)));

  for (let generation = 1; ; generation++) {
    const target = join(cache, generation === 1 ? name : `${name}-${generation}`);
    const isNew = !existsSync(target);
    if (isNew) await publish(source.native, links, target);
    if (isComplete(target)) return target;
    // A cleaner of old files may have taken some. That copy stays, for a server may run from it.
    if (isNew) throw new Error(`The copy of ${source.native} in ${target} is not complete`);
  }
}

interface Link {
  readonly path: string;
  /** Relative to the link, so that the copy can be renamed into place. */
  readonly to: string;
}

async function readLinks(native: string): Promise<readonly Link[]> {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const entries: unknown = JSON.parse(await readFile(list, 'utf8'));
  if (!Array.isArray(entries) || !entries.every(isEntry)) {
    throw new Error(`Expected ${list} to be a list of { source, target }`);
  }
  return entries.map(({ source, target }) => ({
    path: relative('native', target),
    to: relative(dirname(target), source),
  }));
}

function isEntry(entry: unknown): entry is { source: string; target: string } {
  if (!isRecord(entry)) return false;
  return typeof entry['source'] === 'string' && typeof entry['target'] === 'string';
}

/** Makes the copy under another name and renames it: whoever sees the target sees all of it. */
async function publish(native: string, links: readonly Link[], target: string): Promise<void> {
  const draft = await mkdtemp(`${target}.draft-`);
  try {
    await cp(native, draft, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    for (const { path, to } of links) {
      if (!existsSync(join(draft, path))) await symlink(to, join(draft, path));
    }
    await openToReaders(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another starter was faster; its copy is as good as ours.
    if (!existsSync(target)) throw error;
  }
}

/** Readable for every user and changeable only by us, whatever umask npm and we ran under. */
async function openToReaders(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const isProgram = entry.isDirectory() || entry.parentPath === join(root, 'bin');
    await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
  }
}
