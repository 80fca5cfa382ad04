import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { ServerIdentity } from './server-identity.ts';

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Opens the folder that keeps staged binaries between runs, one per user, readable by all.
 * What lies there gets executed, so a place where somebody else could have planted it is passed over.
 * Throws when no place is left.
 */
export function openCacheFolder(identity: ServerIdentity | undefined): string {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const homeCache = HOME === undefined ? undefined : join(HOME, '.cache');
  // Temporary folders come last: systems delete what has not been read there for some days.
  const bases = [XDG_CACHE_HOME, homeCache, '/var/cache', tmpdir(), '/tmp', '/var/tmp'];
  return firstUsable('keep the PostgreSQL binaries', bases, identity, (base) => {
    const folder = join(base, `slipway-postgres-${ownUid()}`);
    try {
      mkdirSync(folder);
      chmodSync(folder, 0o755); // mkdir's own mode is cut by the umask
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const found = lstatSync(folder); // not stat: a planted link is nobody's folder
    const isOurs = found.isDirectory() && found.uid === ownUid();
    return isOurs && (found.mode & WRITABLE_BY_OTHERS) === 0 ? folder : undefined;
  });
}

/**
 * Makes an empty folder (0700) that belongs to the server's user and that this user can also remove.
 * Throws when no temporary folder allows it.
 */
export function makeServerFolder(identity: ServerIdentity | undefined): string {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const bases = [tmpdir(), '/tmp', '/var/tmp', XDG_CACHE_HOME, HOME];
  return firstUsable('keep a data folder', bases, identity, (base) => {
    // The watchdog removes the folder as the server's user: only a /tmp-like place lets it.
    if (identity !== undefined && (statSync(base).mode & 0o1002) !== 0o1002) return undefined;
    const folder = mkdtempSync(join(base, 'slipway-pg-'));
    if (identity === undefined) return folder;
    try {
      chownSync(folder, identity.uid, identity.gid);
      return folder;
    } catch (error) {
      rmdirSync(folder);
      throw error;
    }
  });
}

function firstUsable(
  purpose: string,
  bases: readonly (string | undefined)[],
  identity: ServerIdentity | undefined,
  open: (base: string) => string | undefined,
): string {
  const tried: string[] = [];
  let cause: unknown;
  for (const base of bases) {
    if (base === undefined || !isAbsolute(base)) continue;
    try {
      const real = realpathSync(base);
      tried.push(real);
      if (!isTrusted(real)) continue;
      // Another user has to get there, and finds each step closed that is not open to all.
      if (identity !== undefined && !isOpenToAll(real)) continue;
      const folder = open(real);
      if (folder !== undefined) return folder;
    } catch (error) {
      cause = error; // missing, read-only, full: the next place may do
    }
  }
  throw new Error(
    `Found no folder to ${purpose}: tried ${[...new Set(tried)].join(', ')}. ` +
      'Set TMPDIR to a folder that only you, or root, can change.',
    { cause },
  );
}

/** Whether nobody but root and this user can swap anything on the way to this real path. */
export function isTrusted(folder: string): boolean {
  // Inside a rootless container "/" belongs to an unmapped user, who rules it all anyway.
  const owners = new Set([0, ownUid(), statSync('/').uid]);
  return stepsTo(folder).every((step) => {
    const { uid, mode } = statSync(step);
    return owners.has(uid) && ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0);
  });
}

function isOpenToAll(folder: string): boolean {
  return stepsTo(folder).every((step) => (statSync(step).mode & 0o001) !== 0);
}

function stepsTo(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [...stepsTo(parent), folder];
}

function ownUid(): number {
  return process.getuid?.() ?? 0;
}
