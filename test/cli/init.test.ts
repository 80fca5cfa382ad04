import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import type { Tree } from '../support/package-tree.ts';
import { runCli, startCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';
import { project } from './project.ts';

const db = useDatabase();

const typescript = { 'tsconfig.json': {} };
const commonjs = { 'package.json': { type: 'commonjs', dependencies: { pg: '*', slipway: '*' } } };

const projects: readonly (readonly [string, Tree, string, string])[] = [
  ['modules in JavaScript', {}, 'js', 'npm install slipway pg drizzle-orm'],
  ['CommonJS', { ...commonjs, 'yarn.lock': '' }, 'mjs', 'yarn add drizzle-orm'],
  ['TypeScript', { ...typescript, 'bun.lock': '' }, 'ts', 'bun add slipway pg drizzle-orm'],
  [
    'TypeScript as CommonJS',
    { ...typescript, ...commonjs, 'pnpm-lock.yaml': '' },
    'mts',
    'pnpm add drizzle-orm',
  ],
];

describe('slipway init', () => {
  it.each(projects)('in a project of %s writes what boots', async (_, tree, ending, install) => {
    const { url, query } = await db.fresh();
    const cwd = await project(tree);
    const { code, stdout, stderr } = await runCli(['init'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const written = [
      `slipway.config.${ending}`,
      `plugins/notes/index.${ending}`,
      'plugins/notes/migrations/0001_notes.sql',
    ];
    for (const path of written) expect(stdout).toContain(`  ✔ ${path}\n`);
    expect(stdout).toContain(`  ${install}\n`);

    const program = startCli(['start'], { cwd, env: { DATABASE_URL: url } });
    await program.prints(/ready after/);
    program.kill('SIGTERM');
    expect((await program.ended).code).toBe(0);
    expect((await query('SELECT text FROM plugin_notes.notes')).rows).toEqual([
      { text: 'The first note' },
    ]);
  });

  it('puts the plugin beside the sources, and prints a document with --json', async () => {
    const cwd = await project();
    await mkdir(join(cwd, 'src'));
    const { stdout } = await runCli(['init', '--json'], { cwd });
    expect(expectDocument(stdout, 'slipway.init/1')).toMatchObject({
      written: [
        'slipway.config.js',
        'src/plugins/notes/index.js',
        'src/plugins/notes/migrations/0001_notes.sql',
      ],
    });
    expect(await readFile(join(cwd, 'slipway.config.js'), 'utf8')).toContain(
      `from './src/plugins/notes/index.js'`,
    );
  });

  it.each([
    ['slipway.config.mjs', 'This folder is set up already'],
    ['plugins/notes/migrations/0001_notes.sql', 'Move it away'],
  ])('changes nothing where there is %s already', async (path, advice) => {
    const cwd = await project({ [path]: 'mine' });
    const before = await readdir(cwd);
    const { code, stdout, stderr } = await runCli(['init'], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`There is ${path} already. Nothing was written.`);
    expect(stderr).toContain(advice);
    expect(await readdir(cwd)).toEqual(before);
    expect(await readFile(join(cwd, path), 'utf8')).toBe('mine');
  });
});
