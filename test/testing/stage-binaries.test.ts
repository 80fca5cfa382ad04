import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { chownSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stageBinaries } from '../../src/testing/package-binaries.ts';
import { isTrusted, makeServerFolder, openCacheFolder } from '../../src/testing/trusted-folder.ts';

const isRoot = process.getuid?.() === 0;
const SOMEBODY = { uid: 54_321, gid: 54_321 };
let root: string;
let native: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-stage-')));
  chmodSync(root, 0o755);
  native = join(root, 'package/native');
  write('bin/postgres', 'server');
  write('lib/libpq.so.5.18', 'library');
  write('share/postgresql/timezone/UTC', 'zone');
  const link = { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' };
  write('pg-symlinks.json', JSON.stringify([link]));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

test('the links an install script would have made are made in the copy', async () => {
  const copy = await stageBinaries({ native, version: '18.4.0' }, makeCache());
  const link = join(copy, 'lib/libpq.so.5');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(realpathSync(link)).toBe(join(copy, 'lib/libpq.so.5.18'));
});

test('links that npm did make stay links inside the copy', async () => {
  symlinkSync('libpq.so.5.18', join(native, 'lib/libpq.so.5'));
  const copy = await stageBinaries({ native, version: '18.4.0' }, makeCache());
  expect(realpathSync(join(copy, 'lib/libpq.so.5'))).toBe(join(copy, 'lib/libpq.so.5.18'));
});

test('everyone may read and run the copy, whatever npm left, and only its owner change it', async () => {
  chmodSync(join(native, 'bin/postgres'), 0o600);
  chmodSync(join(native, 'share/postgresql'), 0o700);
  chmodSync(join(native, 'lib/libpq.so.5.18'), 0o666);
  const copy = await stageBinaries({ native, version: '18.4.0' }, makeCache());
  const mode = (path: string) => statSync(join(copy, path)).mode & 0o777;
  expect(mode('.')).toBe(0o755);
  expect(mode('bin/postgres')).toBe(0o755);
  expect(mode('share/postgresql')).toBe(0o755);
  expect(mode('lib/libpq.so.5.18')).toBe(0o644);
});

test('a copy is used again; one that lost a file is replaced and left to whoever runs from it', async () => {
  const cache = makeCache();
  const source = { native, version: '18.4.0' };
  const first = await stageBinaries(source, cache);
  expect(await stageBinaries(source, cache)).toBe(first);

  rmSync(join(first, 'share/postgresql/timezone/UTC'));
  const second = await stageBinaries(source, cache);
  expect(second).not.toBe(first);
  expect(readFileSync(join(second, 'share/postgresql/timezone/UTC'), 'utf8')).toBe('zone');
  expect(readFileSync(join(first, 'bin/postgres'), 'utf8')).toBe('server');
});

test('a cache folder that others may write to is passed over', () => {
  vi.stubEnv('XDG_CACHE_HOME', makeCache());
  const own = openCacheFolder(undefined);
  expect(dirname(own)).toBe(makeCache());
  chmodSync(own, 0o777);
  expect(openCacheFolder(undefined)).not.toBe(own);
});

test('a cache folder that is a link or a file somebody left is passed over', () => {
  vi.stubEnv('XDG_CACHE_HOME', makeCache());
  const own = openCacheFolder(undefined);
  rmSync(own, { recursive: true });
  mkdirSync(join(root, 'trap'));
  symlinkSync(join(root, 'trap'), own);
  expect(openCacheFolder(undefined)).not.toBe(own);
  rmSync(own);
  writeFileSync(own, '', { mode: 0o644 });
  expect(openCacheFolder(undefined)).not.toBe(own);
});

test('a cache folder whose place others may change is passed over', () => {
  vi.stubEnv('XDG_CACHE_HOME', makeCache());
  const own = openCacheFolder(undefined);
  chmodSync(dirname(own), 0o777);
  expect(openCacheFolder(undefined)).not.toBe(own);
});

test.skipIf(!isRoot)('a cache folder that somebody else planted is passed over', () => {
  vi.stubEnv('XDG_CACHE_HOME', makeCache());
  const own = openCacheFolder(undefined);
  chownSync(own, SOMEBODY.uid, SOMEBODY.gid);
  expect(openCacheFolder(undefined)).not.toBe(own);
});

test('a folder below one that others may write to is trusted only if that one is sticky', () => {
  const shared = join(root, 'shared');
  mkdirSync(join(shared, 'mine'), { recursive: true });
  chmodSync(shared, 0o777);
  expect(isTrusted(join(shared, 'mine'))).toBe(false);
  chmodSync(shared, 0o1777);
  expect(isTrusted(join(shared, 'mine'))).toBe(true);
});

test.skipIf(!isRoot)('root passes over folders that the server could not enter', () => {
  const closed = join(root, 'closed');
  const inside = join(closed, 'open');
  mkdirSync(inside, { recursive: true });
  chmodSync(inside, 0o1777);
  chmodSync(closed, 0o700);
  vi.stubEnv('TMPDIR', inside);
  const folder = makeServerFolder(SOMEBODY);
  try {
    expect(dirname(folder)).not.toBe(inside);
    const { uid, mode } = statSync(folder);
    expect({ uid, mode: mode & 0o777 }).toEqual({ uid: SOMEBODY.uid, mode: 0o700 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.skipIf(!isRoot)('root passes over a folder in which the watchdog could not remove it', () => {
  vi.stubEnv('TMPDIR', makeCache());
  const folder = makeServerFolder(SOMEBODY);
  rmSync(folder, { recursive: true });
  expect(dirname(folder)).not.toBe(makeCache());
});

function makeCache(): string {
  const cache = join(root, 'cache');
  mkdirSync(cache, { recursive: true });
  chmodSync(cache, 0o755);
  return cache;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(native, path)), { recursive: true });
  writeFileSync(join(native, path), text);
}
