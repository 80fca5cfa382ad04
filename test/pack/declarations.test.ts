import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { installPackedPackage } from '../support/packed-package.ts';

const run = promisify(execFile);

let root = '';
let project = '';
let whyNot: string | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-declarations-'));
  project = join(root, 'project');
  await mkdir(project);
  ({ whyNot } = await installPackedPackage(project));
}, 180_000);

afterAll(() => rm(root, { recursive: true, force: true }));

const options = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  declaration: true,
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  outDir: 'dist',
  rootDir: '.',
};

/**
 * Makes a package of one source file, which others find by its name.
 *
 * @param source A text, or the name of a file in `packages`.
 */
async function writePackage(folder: string, source: string): Promise<void> {
  const manifest = { type: 'module', exports: './dist/index.js', private: true };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['index.ts'] }),
  );
  if (source.includes('\n')) await writeFile(join(folder, 'index.ts'), source);
  else await cp(join(repository, 'test/pack/packages', source), join(folder, 'index.ts'));
}

/** Lists the packages that a declaration file names, with those of the files that it imports. */
async function packagesIn(file: string, seen = new Set<string>()): Promise<readonly string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = await readFile(file, 'utf8');
  const found: string[] = [];
  for (const [, from = ''] of text.matchAll(/\b(?:from|import)\b\s*\(?\s*['"]([^'"]+)['"]/g)) {
    if (!from.startsWith('.')) found.push(from);
    else found.push(...(await packagesIn(join(dirname(file), declarationOf(from)), seen)));
  }
  return found;
}

function declarationOf(module: string): string {
  return module.replace(/\.[jt]s$/, '.d.ts');
}

/** Returns the errors of the compiler, an empty text when there are none. */
async function compile(folder: string): Promise<string> {
  const bin = join(repository, 'node_modules', '.bin', 'tsc');
  const compiled = await run(bin, ['-p', '.'], { cwd: folder }).catch(
    (error: { readonly stdout: string }) => error,
  );
  return compiled.stdout;
}

const consumer = `import { createBoot } from 'slipway';
import catalog, { catalogApi, plugins } from '@shop/slipway-form';
import tickets, { channelPoint, ticketsRef } from '@shop/checkstack-form';
import { countItems, orders, stock } from '@shop/with-drizzle';
import { boot, plan, report, waitsFor } from '@shop/host';

const own = createBoot({ pool: '', plugins: [...plugins, ...catalog, tickets, orders, stock] });
own.once('plugin.migrate.waiting', (event) => {
  const pid: number | undefined = waitsFor(event).pid;
  void pid;
});
export const found: string = own.services.get(catalogApi).find(1);
export const opened: Promise<number> = own.services.get(ticketsRef).open('fire');
export const point: string = channelPoint.id;
export const outcome: string = report.outcome;
export const counted: (typeof countItems) extends (db: never) => Promise<number> ? true : false = true;
export const planned = plan(boot);
// @ts-expect-error the service has no such function
own.services.get(catalogApi).search('');
`;

describe('packages built with declarations', () => {
  it.each(['index', 'checkstack', 'http/index', 'testing/index'])(
    'see nothing of XState in the types of src/%s',
    async (entry) => {
      if (whyNot) return;
      const folder = join(project, 'node_modules', 'slipway', 'dist', 'src');
      const packages = await packagesIn(join(folder, `${entry}.d.ts`));
      expect(packages).not.toContain('xstate');
    },
  );

  it('export plugins of every form, and what a boot reports, and others compile against them', async ({
    skip,
  }) => {
    if (whyNot) skip(whyNot);
    const build = async (name: string): Promise<string> => {
      const folder = join(project, 'node_modules', '@shop', name);
      await writePackage(folder, `${name}.ts`);
      return compile(folder);
    };
    const names = ['slipway-form', 'checkstack-form', 'with-drizzle', 'with-machines', 'host'];
    expect((await Promise.all(names.map(build))).join('')).toBe('');
    const folder = join(project, 'packages', 'consumer');
    await writePackage(folder, consumer);
    expect(await compile(folder)).toBe('');
  }, 120_000);

  // As pnpm links them: a package finds what it lists, and Slipway finds its own.
  it.each([
    ['slipway-form', ['slipway', '@types/node']],
    ['checkstack-form', ['slipway', '@types/node']],
    ['with-drizzle', ['slipway', '@types/node', 'drizzle-orm', 'pg', '@types/pg']],
  ])(
    'compile where each finds only what it lists: %s',
    async (name, packages) => {
      if (whyNot) return;
      const folder = join(root, 'linked', name);
      await writePackage(folder, `${name}.ts`);
      for (const each of packages) {
        const link = join(folder, 'node_modules', each);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(project, 'node_modules', each), link);
      }
      expect(await compile(folder)).toBe('');
    },
    120_000,
  );
});
