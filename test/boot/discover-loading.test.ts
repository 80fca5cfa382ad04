import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BootError, formatBootError } from '../../src/index.ts';
import { discoverIn, idsIn } from '../support/discovery.ts';
import { dependingOn, packageTree, pluginPackage, type Tree } from '../support/package-tree.ts';

/** A host with one dependency, `@shop/catalog`, of these files. */
function catalog(json: object, files: Readonly<Record<string, string>> = {}): Tree {
  const folder = 'node_modules/@shop/catalog';
  const own = Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]);
  return {
    'package.json': { name: 'shop', dependencies: dependingOn('@shop/catalog') },
    [`${folder}/package.json`]: { name: '@shop/catalog', slipway: { type: 'backend' }, ...json },
    ...(Object.fromEntries(own) as Tree),
  };
}

const esm = "export default { id: 'catalog' };";
const wrong = "throw new Error('not this module');";

describe('the plugin of a package is its default export', () => {
  it.each<[string, Tree]>([
    ['as exports says', catalog({ type: 'module', exports: './lib.js' }, { 'lib.js': esm })],
    [
      'for import, in an exports that hides everything else',
      catalog(
        {
          exports: { '.': { types: './x.d.ts', require: './wrong.js', import: './dist/lib.mjs' } },
        },
        { 'dist/lib.mjs': esm, 'wrong.js': wrong },
      ),
    ],
    [
      'in nested conditions, the first that holds',
      catalog(
        { exports: { browser: './wrong.js', node: { require: './wrong.js', default: './a.mjs' } } },
        { 'a.mjs': esm, 'wrong.js': wrong },
      ),
    ],
    [
      'in the next condition, when the first that holds leads nowhere',
      catalog(
        { exports: { node: { require: './wrong.js' }, default: './a.mjs' } },
        { 'a.mjs': esm, 'wrong.js': wrong },
      ),
    ],
    [
      'in main, without its extension',
      catalog({ main: 'lib/a' }, { 'lib/a.js': 'module.exports = { id: "catalog" }' }),
    ],
    ['in main, a folder', catalog({ main: './lib' }, { 'lib/index.js': 'exports.id = "catalog"' })],
    ['in index.js, when nothing is said', catalog({ type: 'module' }, { 'index.js': esm })],
    [
      'in the entry beside the type, whatever else the package is',
      catalog(
        { exports: './wrong.js', slipway: { type: 'backend', entry: './plugin.mjs' } },
        { 'plugin.mjs': esm, 'wrong.js': wrong },
      ),
    ],
    [
      "in TypeScript's CommonJS",
      catalog(
        {},
        { 'index.js': "exports.__esModule = true; exports.default = { id: 'catalog' };" },
      ),
    ],
  ])('%s', async (_, tree) => {
    expect(await idsIn(tree)).toEqual(['catalog']);
  });

  afterEach(() => vi.unstubAllEnvs());
  it('under the conditions of the process, as the host imports it', async () => {
    const tree = catalog(
      { exports: { '@shop/source': './src.mjs', default: './dist.mjs' } },
      { 'src.mjs': "export default { id: 'src' };", 'dist.mjs': "export default { id: 'dist' };" },
    );
    expect(await idsIn(tree)).toEqual(['dist']);
    vi.stubEnv('NODE_OPTIONS', '--conditions=@shop/source');
    expect(await idsIn(tree)).toEqual(['src']);
  });

  it('or several in an array, or none', async () => {
    const several = "export default [{ id: 'b' }, { id: 'a' }];";
    expect(
      await idsIn(
        catalog(
          {},
          { 'index.mjs': several, 'index.js': `module.exports = [{ id: 'b' }, { id: 'a' }]` },
        ),
      ),
    ).toEqual(['b', 'a']);
    expect(await idsIn(catalog({}, { 'index.js': 'module.exports = []' }))).toEqual([]);
  });

  it('with the version of its package, and migrations relative to it', async () => {
    const root = await packageTree(
      catalog(
        { version: '2.0.0', type: 'module' },
        {
          'index.js': `class Search { id = 'search'; version = '3.0.0'; init() { return this.id; } }
            export default [{ id: 'catalog', migrations: './drizzle' }, new Search(),
              { id: 'stock', migrations: new URL('./stock', import.meta.url) },
              { id: 'plain', migrations: { kind: 'sqlFiles', folder: './sql' } },
              { id: 'coded', migrations: [{ name: 'a', run() {} }] },
              { id: 'mixed', migrations: ['./drizzle', { name: 'a', run() {} },
                { kind: 'sqlFiles', folder: 'views', repeatable: true }] }];`,
        },
      ),
    );
    const [first, search, stock, plain, coded, mixed] = (await discoverIn(root)).plugins.map(
      ({ plugin }) => plugin,
    );
    const folder = `${root}/node_modules/@shop/catalog`;
    expect(first).toEqual({ id: 'catalog', version: '2.0.0', migrations: `${folder}/drizzle` });
    expect(search).toMatchObject({ version: '3.0.0' });
    expect(search?.init?.({})).toBe('search');
    expect(stock?.migrations).toEqual(new URL(`file://${folder}/stock`));
    expect(plain?.migrations).toEqual({ kind: 'sqlFiles', folder: `${folder}/sql` });
    expect(coded?.migrations).toMatchObject([{ name: 'a' }]);
    expect(mixed?.migrations).toMatchObject([
      `${folder}/drizzle`,
      { name: 'a' },
      { folder: `${folder}/views`, repeatable: true },
    ]);
  });

  it('once, when two packages export the same object', async () => {
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn('bundle', 'catalog') },
      ...pluginPackage('node_modules/catalog', 'catalog'),
      ...pluginPackage('node_modules/bundle', 'bundle'),
      'node_modules/bundle/index.js':
        "import catalog from '../catalog/index.js'; export default [{ id: 'bundle' }, catalog];",
    });
    const { plugins } = await discoverIn(root);
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['bundle', 'catalog']);
  });
});

async function failureOf(tree: Tree): Promise<BootError> {
  const root = await packageTree(tree);
  const { failure } = await discoverIn(root);
  expect(failure).toBeInstanceOf(BootError);
  expect(failure?.phase).toBe('discover');
  return failure as BootError;
}

describe('a package that cannot be imported', () => {
  it('says the real error, the path tried, and keeps the cause', async () => {
    const failure = await failureOf(
      catalog({ type: 'module' }, { 'index.js': "await 0; throw new Error('no licence');" }),
    );
    expect(failure.code).toBe('PLUGIN_NOT_LOADED');
    expect(failure.message).toMatch(
      /^@shop\/catalog cannot be loaded from \/.*\/node_modules\/@shop\/catalog\/index\.js: no licence$/,
    );
    expect(failure.cause).toMatchObject({ message: 'no licence' });
    expect(String((failure.cause as Error).stack)).toContain('@shop/catalog/index.js:1');
  });

  it('is imported once: a second attempt would hide the first error', async () => {
    const key = 'slipwayTestImports';
    const failure = await failureOf(
      catalog(
        { type: 'module' },
        { 'index.js': `globalThis.${key} = (globalThis.${key} ?? 0) + 1; throw 'a text';` },
      ),
    );
    expect(Reflect.get(globalThis, key)).toBe(1);
    Reflect.deleteProperty(globalThis, key);
    expect(failure.message).toContain('a text');
  });

  it.each<[string, Tree, string, RegExp]>([
    [
      'that was not built',
      catalog({ exports: './dist/index.js' }, { 'src/index.ts': esm }),
      'Cannot find module',
      /^Build @shop\/catalog first, or correct its package\.json: there is no dist\/index\.js in \//,
    ],
    [
      'that is TypeScript only',
      catalog(
        { exports: './src/index.ts' },
        { 'src/index.ts': 'export default { id: "a" as string }' },
      ),
      'Unknown file extension ".ts"',
      /^Build @shop\/catalog and let its package\.json name the JavaScript, or start Node with a loader/,
    ],
    [
      'that lacks a dependency of its own',
      catalog({ type: 'module' }, { 'index.js': "import 'money';" }),
      "Cannot find package 'money'",
      /^Install money, and list it in the dependencies of @shop\/catalog \(\/.*package\.json\)/,
    ],
    [
      'with a mistake in it',
      catalog({ type: 'module' }, { 'index.js': 'export default {' }),
      'Unexpected end of input',
      /^Look at the cause/,
    ],
    [
      'that imports a name that is not there',
      catalog({ type: 'module' }, { 'index.js': "import { no } from './b.js';", 'b.js': '' }),
      "does not provide an export named 'no'",
      /^Look at the cause/,
    ],
    [
      'that exports nothing for import',
      catalog({ exports: { './other': './a.js' } }),
      'the exports have no "." of @shop/catalog for node, ',
      /^Add "\." to exports/,
    ],
    [
      'whose entry is outside of it',
      catalog({ slipway: { type: 'backend', entry: '../other/index.js' } }),
      'its entry is "../other/index.js", which is outside of the package',
      /^Add "\." to exports/,
    ],
    [
      'whose main is outside of it',
      catalog({ main: '../other/index.js' }),
      'its main is "../other/index.js", which is outside of the package',
      /^Add "\." to exports/,
    ],
    [
      'whose entry is no path',
      catalog({ slipway: { type: 'backend', entry: true } }),
      'its entry is true, not a path',
      /^Add "\." to exports/,
    ],
  ])('%s says what to do', async (_, tree, message, hint) => {
    const failure = await failureOf(tree);
    expect(failure.code).toBe('PLUGIN_NOT_LOADED');
    expect(failure.message).toContain(message);
    expect(failure.hint).toMatch(hint);
  });

  it('does not keep the others from being told: all of them come together', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn(...names) },
      ...Object.assign({}, ...names.map((name) => pluginPackage(`node_modules/${name}`, name))),
      'node_modules/b/index.js': "throw new Error('b has gone');",
      'node_modules/d/index.js': 'export default 4;',
    });
    await rm(`${root}/node_modules/c/index.js`);
    const { plugins, failure } = await discoverIn(root);
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['a']);
    expect(failure).toMatchObject({
      code: 'PLUGIN_NOT_LOADED',
      message: '3 of 4 plugin packages are broken',
      problems: [
        { code: 'PLUGIN_NOT_LOADED', message: expect.stringContaining('b has gone') as unknown },
        { code: 'PLUGIN_NOT_LOADED', hint: expect.stringContaining('Build c first') as unknown },
        { code: 'PLUGIN_INVALID', message: expect.stringContaining('got 4') as unknown },
      ],
      cause: { errors: [{ cause: { message: 'b has gone' } }, {}, {}] },
    });
    expect(formatBootError(failure).match(/b has gone/g)).toHaveLength(1);
  });
});

describe('a default export that is no plugin', () => {
  it.each([
    ['export const catalog = {}, api = 1;', 'none, only api, catalog'],
    ['', 'none'],
    ['export default () => {};', 'function default'],
    ["export default { name: 'catalog' };", 'an object with name'],
    ["export default [{ id: 'a' }, 7];", 'an array of 2, whose item 1 is 7'],
    ['export default null;', 'null'],
  ])('says what it is: %s', async (text, got) => {
    const failure = await failureOf(catalog({ type: 'module' }, { 'index.js': text }));
    expect(failure.code).toBe('PLUGIN_INVALID');
    expect(failure.message).toMatch(
      /^Expected the default export of @shop\/catalog \(\/.*index\.js\) to be a plugin/,
    );
    expect(failure.message).toContain(`to be a plugin or an array of plugins, got ${got}`);
    expect(failure.hint).toContain('export default definePlugin(');
  });

  it.each([
    ["{ id: 'catalog', init: 5 }", 'Expected catalog.init to be a function, got 5'],
    ["{ id: 'catalog', migrations: 'file:///x' }", 'Expected catalog.migrations to be a file: URL'],
    ["{ id: 'catalog', timeouts: { init: 'soon' } }", 'Expected catalog.timeouts.init to be'],
  ])('or is half of one, says which half: %s', async (text, message) => {
    const failure = await failureOf(
      catalog({ type: 'module' }, { 'index.js': `export default ${text}` }),
    );
    expect(failure.message).toMatch(/^In @shop\/catalog \(\/.*index\.js\): Expected catalog\./);
    expect(failure.message).toContain(message);
  });
});
