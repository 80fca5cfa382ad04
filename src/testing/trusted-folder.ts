import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { realpathSync, rmdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { ServerIdentity } from './guarded-process.ts';

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;
const ENTERED_BY_OTHERS = 0o001;

/**
 * Opens the folder that keeps copied binaries between runs, one per user, in the user's own cache folder. Its content is
 * executed, so a place that another user can change is passed over. Throws when no place is left.
 */
export function openCacheFolder(identity: ServerIdentity | undefined): string {
  const own = process.platform === 'darwin' ? 'Library/Caches' : '.cache';
  // Root's home is closed to the server's user, so root has /var/cache. Systems clean temporary folders of old files.
  const bases = [process.env['XDG_CACHE_HOME'], join(homedir(), own), '/var/cache', ...temporary()];
  return firstUsable('keep the PostgreSQL binaries', bases, identity, (base) => {
    const folder = join(base, `slipway-postgres-${ownUid()}`);
    // Not `mode`, which the umask cuts.
    if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o755);
    const found = lstatSync(folder); // not stat: another user may have left a link here
    const isOwn = found.isDirectory() && found.uid === ownUid();
    return isOwn && (found.mode & WRITABLE_BY_OTHERS) === 0 ? folder : undefined;
  });
}

/**
 * Makes an empty folder (0700) that belongs to the server's user and that this user can also remove. Throws when no
 * temporary folder allows it.
 */
export function makeServerFolder(identity: ServerIdentity | undefined): string {
  const bases = [...temporary(), process.env['XDG_CACHE_HOME'], homedir()];
  return firstUsable('keep a data folder', bases, identity, (base) => {
    // The guard removes the folder as the server's user: only a folder such as /tmp allows that.
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

function temporary(): readonly string[] {
  return [tmpdir(), '/tmp', '/var/tmp'];
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
      const folder = isTrusted(real, identity) ? open(real) : undefined;
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

/**
 * Whether only root and this user can swap a folder on the way to this real path, and the server's user, if it is another
 * one, can enter each.
 */
export function isTrusted(folder: string, identity?: ServerIdentity): boolean {
  // In a rootless container, "/" belongs to an unmapped user, who can change everything anyway.
  const owners = new Set([0, ownUid(), statSync('/').uid]);
  const { uid, mode } = statSync(folder);
  const isSafe = owners.has(uid) && ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0);
  const isOpen = identity === undefined || (mode & ENTERED_BY_OTHERS) !== 0;
  const above = dirname(folder);
  return isSafe && isOpen && (above === folder || isTrusted(above, identity));
}

function ownUid(): number {
  return process.getuid?.() ?? 0;
}
