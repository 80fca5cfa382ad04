import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createBoot, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { writeMigrations } from '../support/migration-folder.ts';
import {
  dependingOn,
  growTree,
  packageTree,
  plainPackage,
  pluginPackage,
  type Tree,
} from '../support/package-tree.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** A workspace of 30 packages, of which `p01`, `p04`, … `p25` are plugins. */
function workspaceOf30(): Tree {
  const names = Array.from({ length: 30 }, (_, index) => `p${String(index + 1).padStart(2, '0')}`);
  const isPlugin = (index: number): boolean => index % 3 === 0 && index < 27;
  const packages = names.map((name, index) =>
    (isPlugin(index) ? pluginPackage : plainPackage)(`packages/${name}`, name),
  );
  return {
    'package.json': { name: 'shop', workspaces: ['packages/*'] },
    ...Object.assign({}, ...packages),
  };
}

describe('a boot that discovers its plugins', () => {
  it('starts the 9 of 30 packages that are plugins, beside the listed one', async () => {
    const root = await packageTree(workspaceOf30());
    const { boot, recording } = bootUnderTest({
      pool: db.url,
      plugins: [{ id: 'host' }],
      discover: { root: pathToFileURL(root) },
    });
    const report = await boot.start();
    const wanted = ['p01', 'p04', 'p07', 'p10', 'p13', 'p16', 'p19', 'p22', 'p25'];
    expect(report.outcome).toBe('ready');
    expect(report.plugins.map(({ id }) => id)).toEqual(['host', ...wanted]);
    const [host, first] = recording.of('plugin.discovered');
    expect(host).not.toHaveProperty('source');
    expect(first).toMatchObject({
      plugin: 'p01',
      version: '1.2.3',
      required: true,
      source: { package: 'p01', path: `${root}/packages/p01` },
    });
  });

  it('starts the others when the broken one is switched off in the registry', async () => {
    const { url, query } = await db.fresh();
    const root = await packageTree(workspaceOf30());
    await bootUnderTest({ pool: url, discover: { root } }).boot.start();
    await query("UPDATE slipway.plugins SET enabled = false WHERE id IN ('p10', 'p13')");
    await growTree(root, {
      'packages/p10/package.json': {
        name: 'p10',
        version: '2.0.0',
        type: 'module',
        slipway: { type: 'backend', entry: './broken.js' },
      },
      'packages/p10/broken.js': "throw new Error('no licence');",
    });
    const { boot, recording } = bootUnderTest({ pool: url, discover: { root } });

    const report = await boot.start();

    expect(report.outcome).toBe('ready');
    const up = ['p01', 'p04', 'p07', 'p16', 'p19', 'p22', 'p25'];
    expect(report.plugins.map(({ id, init }) => `${id} ${init.outcome}`)).toEqual([
      ...up.map((id) => `${id} done`),
      'p13 skipped',
    ]);
    expect(recording.outcomes('migrate')['p13']).toBe('skipped');
    const { rows } = await query('SELECT id FROM slipway.plugins');
    expect(rows).toHaveLength(9);
  });

  it('starts none of them when one is broken, and says which', async () => {
    const root = await packageTree(workspaceOf30());
    await growTree(root, { 'packages/p10/index.js': "throw new Error('no licence');" });
    const { boot, recording } = bootUnderTest({ pool: db.url, discover: { root } });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({
      code: 'PLUGIN_NOT_LOADED',
      phase: 'discover',
      message: `p10 cannot be loaded from ${root}/packages/p10/index.js: no licence`,
      cause: { message: 'no licence' },
      report: { outcome: 'failed' },
    });
    expect(recording.of('phase.started').map(({ phase }) => phase)).toEqual([
      'discover',
      'stopAll',
    ]);
    expect(recording.of('plugin.discovered').map(({ plugin }) => plugin)).toEqual([
      'p01',
      'p04',
      'p07',
      'p13',
      'p16',
      'p19',
      'p22',
      'p25',
    ]);
    expect(recording.outcomes('init')).toMatchObject({ p01: 'notReached', p25: 'notReached' });
  });

  it('migrates them from the folder in their package', async () => {
    const { url } = await db.fresh();
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn('@shop/catalog') },
      ...pluginPackage('node_modules/@shop/catalog', '@shop/catalog'),
      'node_modules/@shop/catalog/index.js':
        "export default { id: 'catalog', migrations: './drizzle' };",
    });
    await writeMigrations(`${root}/node_modules/@shop/catalog/drizzle`, {
      '0000_init': 'CREATE TABLE items (name text);',
    });
    const options: BootOptions = { pool: url, discover: { root } };
    const plan = await createBoot(options).plan();
    expect(plan.plugins).toMatchObject([
      { id: 'catalog', schema: 'plugin_catalog', pending: [{ file: '0000_init.sql' }] },
    ]);
    const report = await bootUnderTest(options).boot.start();
    expect(report.plugins).toMatchObject([{ id: 'catalog', applied: ['0000_init.sql'] }]);
  });

  it('warns in the plan and in the boot of what is not installed', async () => {
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn('catalog') },
    });
    // A registry of its own: that of the file remembers the plugins of other tests, and warns of them.
    const { url } = await db.fresh();
    const { boot, recording } = bootUnderTest({ pool: url, discover: { root } });
    const message = 'not installed, so not searched for plugins: catalog (of shop)';
    const warnings = [{ message }];
    expect(await boot.plan()).toMatchObject({ warnings });
    await boot.start();
    expect(recording.of('graph.sorted')).toMatchObject([{ warnings }]);
  });

  it('can be stopped while a package does not come to an end', async () => {
    const root = await packageTree({
      'package.json': { name: 'shop', workspaces: ['*'] },
      ...pluginPackage('endless', 'endless'),
      'endless/index.js': 'globalThis.slipwayTestEntered(); await new Promise(() => {});',
    });
    const entered = new Promise<void>((resolve) => {
      Object.assign(globalThis, { slipwayTestEntered: resolve });
    });
    const { boot } = bootUnderTest({ pool: db.url, discover: { root } });
    const failure = failureOf(boot.start());
    await entered;
    await boot.stop('enough');
    expect(await failure).toMatchObject({ code: 'BOOT_CANCELED', phase: 'discover' });
    Reflect.deleteProperty(globalThis, 'slipwayTestEntered');
  });
});

describe('plugins that are listed and discovered', () => {
  it('count once when they are the same object, with what the package knows', async () => {
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn('catalog', 'auth') },
      ...pluginPackage('node_modules/catalog', 'catalog'),
      ...pluginPackage('node_modules/auth', 'auth'),
    });
    const entry = pathToFileURL(`${root}/node_modules/catalog/index.js`).href;
    const { default: catalog } = (await import(entry)) as { default: Plugin };
    const { boot, recording } = bootUnderTest({
      pool: db.url,
      plugins: [{ id: 'host' }, catalog],
      discover: { root },
    });
    await boot.start();
    expect(recording.of('plugin.discovered')).toMatchObject([
      { plugin: 'host' },
      { plugin: 'catalog', version: '1.2.3', source: { package: 'catalog' } },
      { plugin: 'auth' },
    ]);
  });

  it('are refused when two have one id, naming both places', async () => {
    const root = await packageTree({
      'package.json': {
        name: 'shop',
        workspaces: ['apps/*'],
        dependencies: dependingOn('catalog'),
      },
      ...plainPackage('apps/api', 'api', { dependencies: dependingOn('catalog') }),
      ...pluginPackage('node_modules/catalog', 'catalog'),
      ...pluginPackage('apps/api/node_modules/catalog', 'catalog'),
    });
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: [{ id: 'catalog' }],
      discover: { root },
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'GRAPH_INVALID',
      problems: [
        {
          code: 'PLUGIN_DUPLICATE',
          message:
            '3 plugins have the id catalog: the option plugins' +
            ` and catalog in ${root}/apps/api/node_modules/catalog` +
            ` and catalog in ${root}/node_modules/catalog`,
        },
      ],
    });
  });
});

describe('the option discover', () => {
  it.each<[unknown, string]>([
    [true, 'Expected discover to be an object, got true'],
    [{}, 'Expected discover.root to be an absolute path or a file: URL, got undefined'],
    [{ root: '.' }, 'Expected discover.root to be an absolute path or a file: URL, got "."'],
    [{ root: new URL('https://example.org/') }, 'discover.root to be an absolute path'],
    [{ root: '/x', field: '' }, 'Expected discover.field to be the name of a field'],
    [{ root: '/x', type: 'frontend' }, 'Expected discover.type to be \'backend\', got "frontend"'],
    [{ root: '/x', roots: [] }, 'discover has no option roots. Did you mean root?'],
  ])('%j is refused', (discover, message) => {
    const options = { pool: db.url, discover } as BootOptions;
    expect(() => createBoot(options)).toThrow(
      expect.objectContaining({
        code: 'OPTIONS_INVALID',
        message: expect.stringContaining(message) as unknown,
      }),
    );
  });

  it('takes a path or a URL', () => {
    for (const root of ['/x', 'file:///x', new URL('file:///x')]) {
      expect(() => createBoot({ pool: db.url, discover: { root } })).not.toThrow();
    }
  });
});
