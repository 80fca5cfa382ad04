import { execFile } from 'node:child_process';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { installPackedPackage, packPackage } from '../support/packed-package.ts';

const run = promisify(execFile);
const bin = (name: string): string => join(repository, 'node_modules', '.bin', name);

let project = '';
let tarball = '';
let whyNot: string | undefined;

/** Packs the library and installs it into an empty project, as a user does. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'slipway-consumer-'));
  ({ tarball, whyNot } = await installPackedPackage(project));
}, 180_000);

afterAll(() => rm(project, { recursive: true, force: true }));

describe('the packed library in an empty project', () => {
  const importing = async (...entries: readonly string[]): Promise<readonly string[]> => {
    const program = `const all = await Promise.all(${JSON.stringify(entries)}.map((entry) => import(entry)));
console.log(JSON.stringify(all.flatMap(Object.keys)));`;
    const { stdout } = await run('node', ['--input-type=module', '-e', program], { cwd: project });
    return JSON.parse(stdout) as readonly string[];
  };

  it('is imported by every entry', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const names = await importing(
      'slipway',
      'slipway/checkstack',
      'slipway/drizzle',
      'slipway/machines',
      'slipway/testing',
      'slipway/http',
      'slipway/inspector',
    );
    expect(names).toEqual(
      expect.arrayContaining([
        'createBoot',
        'createBackendPlugin',
        'createScopedDatabase',
        'bootMachine',
        'startPostgres',
        'probes',
        'createInspector',
      ]),
    );
  });

  it('has the program slipway', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const program = join(project, 'node_modules', '.bin', 'slipway');
    const { stdout } = await run(program, ['--version'], { cwd: project });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await expect(run(program, ['plan'], { cwd: project })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CONFIG_NOT_FOUND') as string,
    });
  });

  it('needs the API of OpenTelemetry for slipway/otel alone', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const missing = "Cannot find package '@opentelemetry/api'";
    await expect(importing('slipway/otel')).rejects.toThrow(missing);
    const api = join(repository, 'node_modules', '@opentelemetry', 'api');
    const place = join(project, 'node_modules', '@opentelemetry', 'api');
    await cp(api, place, { recursive: true });
    try {
      expect(await importing('slipway/otel')).toEqual(['traceBoot']);
    } finally {
      await rm(join(place, '..'), { recursive: true });
    }
  });

  it('needs Drizzle for slipway/drizzle and slipway/checkstack alone', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const place = join(project, 'node_modules', 'drizzle-orm');
    await rename(place, `${place}-away`);
    try {
      const entries = ['slipway', 'slipway/testing', 'slipway/http', 'slipway/inspector'];
      expect(await importing(...entries)).toContain('createBoot');
      for (const entry of ['slipway/drizzle', 'slipway/checkstack'])
        await expect(importing(entry)).rejects.toThrow("Cannot find package 'drizzle-orm'");
    } finally {
      await rename(`${place}-away`, place);
    }
  });

  it('serves the page of the inspector', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const program = `import { createBoot } from 'slipway';
import { createInspector } from 'slipway/inspector';
const inspector = await createInspector(createBoot({ pool: 'postgres://localhost/x', plugins: [] }));
console.log(await (await fetch(inspector.url)).text());`;
    const { stdout } = await run('node', ['--input-type=module', '-e', program], { cwd: project });
    expect(stdout).toContain('<div id="app">');
  });

  it('has machines that can be drawn where pg is not even installed', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const pg = join(project, 'node_modules', 'pg');
    await rename(pg, `${pg}-away`);
    try {
      expect(await importing('slipway/machines')).toContain('launchMachine');
      await expect(importing('slipway')).rejects.toThrow("Cannot find package 'pg'");
    } finally {
      await rename(`${pg}-away`, pg);
    }
  });

  it('compiles in a strict TypeScript project', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    await mkdir(join(project, 'src'), { recursive: true });
    await writeFile(
      join(project, 'src', 'use.ts'),
      `import { createBoot, definePlugin, serviceRef, BootError, type BootReport } from 'slipway';
import { bootMachine } from 'slipway/machines';
import { startPostgres } from 'slipway/testing';
const api = serviceRef<{ one(): number }>('a.api');
const a = definePlugin({ id: 'a', provides: { api }, init: () => ({ api: { one: () => 1 } }) });
const b = definePlugin({ id: 'b', deps: { api }, init: ({ api: { one } }) => { const n: number = one(); void n; } });
// @ts-expect-error the service has no such function
definePlugin({ id: 'c', deps: { api }, init: ({ api: { two } }) => { void two; } });
const boot = createBoot({ pool: 'postgres://localhost/x', plugins: [a, b] });
boot.on('plugin.migrate.waiting', ({ holder }) => { const pid: number | undefined = holder.pid; void pid; });
export const run = async (): Promise<BootReport> => { try { return await boot.start(); } catch (error) { if (error instanceof BootError) { const code: string = error.code; void code; } throw error; } };
export { bootMachine, startPostgres };
`,
    );
    const config = {
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
        skipLibCheck: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        module: 'nodenext',
        types: ['node'],
      },
      include: ['src'],
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config));
    const compiled = await run(bin('tsc'), ['-p', '.'], { cwd: project }).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(compiled.stdout).toBe('');
  }, 60_000);

  it('has declarations that a compiler checks in full, but for those of Drizzle and XState', async ({
    skip,
  }) => {
    if (whyNot) skip(whyNot);
    const folder = join(project, 'full-check');
    await mkdir(folder);
    const entries = ['', '/testing', '/http', '/insight', '/inspector', '/drizzle', '/checkstack'];
    const lines = [...entries, '/machines'].map(
      (entry, index) => `export type * as entry${index} from 'slipway${entry}';`,
    );
    await writeFile(join(folder, 'use.ts'), lines.join('\n'));
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
    };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.ts'] }),
    );
    const compiled = await run(bin('tsc'), ['-p', folder], { maxBuffer: 64 * 1024 * 1024 }).catch(
      (error: { readonly stdout: string }) => error,
    );
    const faults = compiled.stdout.split('\n').filter((line) => line.includes('error TS'));
    const ofOthers = faults.filter((line) => /node_modules\/(?:drizzle-orm|xstate)\//.test(line));
    expect(ofOthers.length).toBeGreaterThan(0);
    expect(faults).toEqual(ofOthers);
  }, 120_000);

  it('is well-formed for bundlers and type resolution', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const published = await run(bin('publint'), ['run', tarball, '--strict'], { cwd: project });
    expect(published.stdout).toContain('All good!');
    const types = run(bin('attw'), [tarball, '--profile', 'esm-only'], { cwd: project });
    await expect(types).resolves.toBeDefined();
  }, 120_000);
});

describe('the pages in the package', () => {
  it('link to each other, and to nothing else but the repository itself', async ({ skip }) => {
    if (whyNot) skip(whyNot);
    const root = join(project, 'node_modules', 'slipway');
    const files = await readdir(root, { recursive: true });
    const shipped = new Set(files.map((path) => path.replaceAll('\\', '/')));
    const broken: string[] = [];
    for (const page of [...shipped].filter((path) => path.endsWith('.md'))) {
      const text = await readFile(join(root, page), 'utf8');
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        const target = posix.join(page, '..', link);
        // Programs and tests are in the repository alone.
        if (!shipped.has(target) && !/^(?:test|docs\/examples)\//.test(target))
          broken.push(`${page} → ${link}`);
      }
    }
    expect(shipped).toContain('docs/migrations.md');
    expect(broken).toEqual([]);
  });
});

describe('a clone that was never built', () => {
  const inRepository = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'vite.config.ts',
    'vite.package.config.ts',
    'src',
    'machines',
  ];

  it('is built by npm pack, so that the package has its code and its types', async () => {
    const clone = await mkdtemp(join(tmpdir(), 'slipway-clone-'));
    onTestFinished(() => rm(clone, { recursive: true, force: true }));
    for (const name of inRepository) {
      await cp(join(repository, name), join(clone, name), { recursive: true });
    }
    await symlink(join(repository, 'node_modules'), join(clone, 'node_modules'));
    const { files } = await packPackage(clone, clone);
    const { exports } = JSON.parse(await readFile(join(clone, 'package.json'), 'utf8')) as {
      exports: Record<string, string | { types: string; default: string }>;
    };
    const named = Object.values(exports).flatMap((each) =>
      typeof each === 'string' ? [each] : [each.types, each.default],
    );
    expect(files).toEqual(expect.arrayContaining(named.map((path) => path.replace('./', ''))));
  }, 120_000);
});
