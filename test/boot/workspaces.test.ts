import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findWorkspaceFolders, readPnpmPatterns } from '../../src/boot/discover/workspaces.ts';
import { packageTree } from '../support/package-tree.ts';

const tree = {
  'apps/api/package.json': '',
  'apps/web/package.json': '',
  'apps/web-old/package.json': '',
  'libs/a/test/fixture/package.json': '',
  'libs/a/node_modules/x/package.json': '',
  'libs/.hidden/package.json': '',
  'libs/linked': { link: 'apps' },
  'single/package.json': '',
};

describe('workspace patterns', () => {
  it.each<[readonly string[], readonly string[]]>([
    [['single'], ['single']],
    [['./single/'], ['single']],
    [['apps/*'], ['apps/api', 'apps/web', 'apps/web-old']],
    [['apps/we?'], ['apps/web']],
    [['apps/[ab]*'], ['apps/api']],
    [['apps/[!ab]*'], ['apps/web', 'apps/web-old']],
    [['{apps,libs}/{api,a}'], ['apps/api', 'apps/a', 'libs/api', 'libs/a']],
    [['libs/*'], ['libs/a', 'libs/linked']],
    [['libs/.*'], ['libs/.hidden']],
    [['libs/**'], ['libs', 'libs/a', 'libs/a/test', 'libs/a/test/fixture']],
    [
      ['apps/*', '!apps/*-old'],
      ['apps/api', 'apps/web'],
    ],
    [
      ['/apps/*', '!./apps/*-old/'],
      ['apps/api', 'apps/web'],
    ],
    [
      ['!**/test/**', 'libs/**'],
      ['libs', 'libs/a'],
    ],
    [
      ['apps/*', '!apps/*', 'apps/web'],
      ['apps/api', 'apps/web', 'apps/web-old'],
    ],
    [
      ['apps/*', '!apps/we*', 'apps/web-old', '!apps/api'],
      ['apps/web', 'apps/web-old'],
    ],
    [['.'], ['']],
    [['nowhere/*'], []],
  ])('%j mean %j', async (patterns, wanted) => {
    const root = await packageTree(tree);
    const found = await findWorkspaceFolders(root, patterns);
    expect(found.map((folder) => folder.slice(root.length + 1)).toSorted()).toEqual(
      wanted.toSorted(),
    );
  });
});

describe('a folder of workspaces', () => {
  it('that cannot be read is named, and not passed over', async () => {
    const root = await packageTree(tree);
    const tooLong = 'a'.repeat(300);
    const found = findWorkspaceFolders(root, ['apps/*', `${tooLong}/*`]);
    await expect(found).rejects.toMatchObject({
      code: 'PLUGIN_NOT_LOADED',
      message: expect.stringMatching(/\/a{300}\/? cannot be read: ENAMETOOLONG/) as unknown,
    });
  });

  it('may be above the root, or be a link', async () => {
    const root = await packageTree({
      ...tree,
      'host/package.json': '',
      'host/l': { link: 'libs' },
    });
    const found = await findWorkspaceFolders(join(root, 'host'), ['../apps/a*', 'l/*', 'l/a/**']);
    expect(found.map((folder) => relative(root, folder)).toSorted()).toEqual([
      'apps/api',
      'host/l/a',
      'host/l/a/test',
      'host/l/a/test/fixture',
      'host/l/linked',
    ]);
  });
});

describe('the packages of a pnpm-workspace.yaml', () => {
  it.each<[string, readonly string[]]>([
    ['', []],
    ['catalog:\n  packages: ^1\n', []],
    ['packages:\n  - \'a/*\'\n  - "b/**"\n  - c\n', ['a/*', 'b/**', 'c']],
    ["packages:\n- 'a/*'\n\n# comment\n- '!b' # not this\ncatalog:\n  x: 1\n", ['a/*', '!b']],
    ['\uFEFF"packages" :\r\n  -   a/*\r\n  - it\'s\r\n', ['a/*', "it's"]],
    ['packages: [\'a/*\', "b", c] # all\nother: 1\n', ['a/*', 'b', 'c']],
    ["packages: [\n  'a/*', # first\n  b,\n]\n", ['a/*', 'b']],
    ['packages:\n', []],
    ['packages: []\n', []],
    ["packages:\n  - 'it''s/#1'\n", ["it's/#1"]],
  ])('%j is %j', async (text, patterns) => {
    expect(await readPnpmPatterns(text, 'pnpm-workspace.yaml')).toEqual(patterns);
  });

  it.each([
    'packages: a/*',
    'packages: *anchor',
    'packages:\n  - *anchor',
    'packages:\n  a: b',
    'packages:\n  - - a',
    'packages:\n  - { a: b }',
    "packages:\n  - 'open",
    'packages: [a, b',
  ])('%j is refused, not misread', async (text) => {
    await expect(readPnpmPatterns(text, 'pnpm-workspace.yaml')).rejects.toThrow(
      '"packages" has to be a list of patterns',
    );
  });
});
