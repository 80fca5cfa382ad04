import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as packageFiles from '../../src/boot/discover/package-files.ts';
import { discoverIn, idsIn } from '../support/discovery.ts';
import {
  dependingOn,
  packageTree,
  plainPackage,
  pluginPackage,
  type Tree,
} from '../support/package-tree.ts';

// Every look at the file system goes through this file. It does its work, and each call is counted.
vi.mock(import('../../src/boot/discover/package-files.ts'), { spy: true });
beforeEach(() => vi.clearAllMocks());
const { readPackage, readFileText, followLinks, listFolders, isFile } = vi.mocked(packageFiles);

/** The folders whose package.json was read. */
const readFolders = (): readonly string[] => readPackage.mock.calls.map(([folder]) => folder);

/** How often the file system was looked at. */
const countLooks = (): number =>
  [readPackage, readFileText, followLinks, listFolders, isFile]
    .map(({ mock }) => mock.calls.length)
    .reduce((sum, calls) => sum + calls);

describe('plugins are found', () => {
  it('as npm installs them: hoisted, nested, scoped, and the workspaces themselves', async () => {
    const ids = await idsIn({
      'package.json': {
        name: 'shop',
        workspaces: ['packages/*'],
        dependencies: dependingOn('zebra', '@shop/catalog', 'left-pad'),
      },
      ...plainPackage('packages/app', 'app', { dependencies: dependingOn('billing', 'mail') }),
      ...pluginPackage('packages/orders', '@shop/orders'),
      'node_modules/app': { link: 'packages/app' },
      'node_modules/@shop/orders': { link: 'packages/orders' },
      ...pluginPackage('node_modules/zebra', 'zebra'),
      ...pluginPackage('node_modules/@shop/catalog', '@shop/catalog'),
      ...plainPackage('node_modules/left-pad', 'left-pad'),
      ...pluginPackage('node_modules/mail', 'mail'),
      ...pluginPackage('packages/app/node_modules/billing', 'billing'),
      // Somebody else's dependency: hoisted, but not the host's.
      ...pluginPackage('node_modules/stranger', 'stranger'),
    });
    expect(ids).toEqual(['catalog', 'orders', 'billing', 'mail', 'zebra']);
  });

  it('as pnpm installs them: by links into a store, found twice and one all the same', async () => {
    const store = 'node_modules/.pnpm';
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn('mail') },
      'pnpm-workspace.yaml': "packages:\n  - 'apps/*'\n  - plugins/** # ours\n  - '!**/old'\n",
      ...plainPackage('apps/api', 'api', { dependencies: dependingOn('@shop/orders', 'mail') }),
      ...plainPackage('apps/jobs', 'jobs', { dependencies: dependingOn('@shop/orders', 'mail') }),
      ...pluginPackage('plugins/core/orders', '@shop/orders', { dependencies: dependingOn('api') }),
      ...pluginPackage('plugins/old', 'old'),
      ...pluginPackage(`${store}/mail@1.2.3/node_modules/mail`, 'mail', {
        dependencies: dependingOn('smtp'),
      }),
      ...pluginPackage(`${store}/smtp@1.0.0/node_modules/smtp`, 'smtp'),
      [`${store}/mail@1.2.3/node_modules/smtp`]: { link: `${store}/smtp@1.0.0/node_modules/smtp` },
      'node_modules/mail': { link: `${store}/mail@1.2.3/node_modules/mail` },
      'apps/api/node_modules/mail': { link: `${store}/mail@1.2.3/node_modules/mail` },
      'apps/jobs/node_modules/mail': { link: `${store}/mail@1.2.3/node_modules/mail` },
      'apps/api/node_modules/@shop/orders': { link: 'plugins/core/orders' },
      'apps/jobs/node_modules/@shop/orders': { link: 'plugins/core/orders' },
      // Two workspaces that depend on each other, and a link that leads back up.
      'plugins/core/orders/node_modules/api': { link: 'apps/api' },
      'plugins/core/loop': { link: 'plugins' },
    });
    const { plugins, warnings } = await discoverIn(root);
    expect(plugins).toMatchObject([
      {
        plugin: { id: 'orders', version: '1.2.3' },
        source: { package: '@shop/orders', path: `${root}/plugins/core/orders` },
      },
      {
        plugin: { id: 'mail' },
        source: { package: 'mail', path: `${root}/${store}/mail@1.2.3/node_modules/mail` },
      },
    ]);
    expect(warnings).toEqual([]);
    const reads = readFolders();
    expect(reads).toHaveLength(new Set(reads).size);
    expect(reads.join('\n')).not.toContain('smtp');
  });

  it('as Yarn installs them: workspaces as { packages }, some of them not hoisted', async () => {
    const ids = await idsIn({
      'package.json': {
        name: 'shop',
        workspaces: { packages: ['{apps,libs}/*'], nohoist: ['**'] },
      },
      ...plainPackage('apps/api', 'api', { dependencies: dependingOn('catalog', 'mail') }),
      ...pluginPackage('libs/catalog', 'catalog'),
      'node_modules/catalog': { link: 'libs/catalog' },
      ...pluginPackage('apps/api/node_modules/mail', 'mail'),
    });
    expect(ids).toEqual(['catalog', 'mail']);
  });

  it('where node_modules is itself a link, as in a container', async () => {
    const root = await packageTree({
      'shop/package.json': { name: 'shop', dependencies: dependingOn('@shop/catalog', 'mail') },
      ...pluginPackage('cache/@shop/catalog', '@shop/catalog'),
      ...pluginPackage('cache/mail', 'mail'),
      'shop/node_modules': { link: 'cache' },
    });
    const { plugins } = await discoverIn(`${root}/shop`);
    expect(plugins.map(({ source }) => source?.path)).toEqual([
      `${root}/cache/@shop/catalog`,
      `${root}/cache/mail`,
    ]);
  });

  it('from a workspace that is the root: its own dependencies, installed above it', async () => {
    const root = await packageTree({
      'package.json': { name: 'all', workspaces: ['apps/*'], dependencies: dependingOn('mail') },
      ...plainPackage('apps/api', 'api', { dependencies: dependingOn('catalog') }),
      ...pluginPackage('node_modules/catalog', 'catalog'),
      ...pluginPackage('node_modules/mail', 'mail'),
    });
    const { plugins } = await discoverIn(`${root}/apps/api`);
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['catalog']);
  });

  it('by another field, when told', async () => {
    const root = await packageTree({
      'package.json': { name: 'shop', dependencies: dependingOn('old', 'web', 'mail') },
      ...pluginPackage('node_modules/old', 'old', { slipway: undefined, checkstack: backend }),
      ...plainPackage('node_modules/web', 'web', { checkstack: { type: 'frontend' } }),
      ...pluginPackage('node_modules/mail', 'mail'),
    });
    const { plugins } = await discoverIn(root, 'checkstack');
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['old']);
  });

  it('never among the devDependencies, which are gone in production', async () => {
    const root = await packageTree({
      'package.json': {
        name: 'shop',
        dependencies: dependingOn('mail'),
        devDependencies: dependingOn('catalog'),
        optionalDependencies: dependingOn('billing', 'not-on-this-platform'),
      },
      ...pluginPackage('node_modules/catalog', 'catalog'),
      ...pluginPackage('node_modules/mail', 'mail'),
      ...pluginPackage('node_modules/billing', 'billing'),
    });
    const { plugins, warnings } = await discoverIn(root);
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['billing', 'mail']);
    expect(warnings).toEqual([]);
  });
});

const backend = { type: 'backend' };

describe('what may be a mistake', () => {
  it('is a warning: a dependency that is not installed, and a field that says nothing', async () => {
    const root = await packageTree({
      'package.json': {
        name: 'shop',
        workspaces: ['packages/*'],
        dependencies: dependingOn('@shop/billing', 'orders', 'mail'),
      },
      // In no node_modules, but known as a workspace.
      ...pluginPackage('packages/orders', 'orders'),
      ...plainPackage('node_modules/mail', 'mail', { slipway: 'backend' }),
    });
    const { warnings, plugins } = await discoverIn(root);
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['orders']);
    expect(warnings).toEqual([
      `"slipway" in ${root}/node_modules/mail/package.json is "backend": a plugin has { "type": "backend" }`,
      'not installed, so not searched for plugins: @shop/billing (of shop)',
    ]);
  });

  const refused: readonly (readonly [tree: Tree, message: string])[] = [
    [{}, 'package.json does not exist'],
    [{ 'package.json': '{ "name": ' }, 'package.json is not JSON'],
    [{ 'package.json': { workspaces: 'packages' } }, '"workspaces" has to be a list of patterns'],
    [
      { 'package.json': { workspaces: ['+(a|b)'] } },
      'package.json: the pattern +(a|b) is not supported',
    ],
    [
      { 'package.json': {}, 'pnpm-workspace.yaml': 'packages: *all\n' },
      'pnpm-workspace.yaml: "packages" has to be a list of patterns; not understood: unidentified alias "all" (1:15)',
    ],
    [
      { 'package.json': { dependencies: dependingOn('mail') }, '.pnp.cjs': '' },
      "are installed by Yarn Plug'n'Play, which has no node_modules to search",
    ],
  ];
  it.each(refused)('is refused when nothing can be found at all: %o', async (tree, message) => {
    await expect(discoverIn(await packageTree(tree))).rejects.toMatchObject({
      code: 'PLUGIN_NOT_LOADED',
      phase: 'discover',
      message: expect.stringContaining(message) as unknown,
    });
  });
});

describe('discovery of 500 dependencies', () => {
  it('reads the package.json of each once, and looks at nothing else', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `dependency-${index}`);
    const root = await packageTree({
      'package.json': {
        name: 'shop',
        workspaces: ['packages/*'],
        dependencies: dependingOn(...names),
      },
      // Both have all of them too: 1,500 edges, 503 packages.
      ...plainPackage('packages/a', 'a', { dependencies: dependingOn(...names) }),
      ...plainPackage('packages/b', 'b', { dependencies: dependingOn(...names) }),
      ...Object.assign({}, ...names.map((name) => plainPackage(`node_modules/${name}`, name))),
      ...pluginPackage('node_modules/dependency-250', 'dependency-250'),
    });
    const { plugins } = await discoverIn(root);
    const reads = readFolders();
    expect(plugins.map(({ plugin }) => plugin.id)).toEqual(['dependency-250']);
    expect(reads).toHaveLength(503);
    expect(new Set(reads).size).toBe(503);
    // The rest does not grow with their number: each package.json, and each folder that lists packages.
    expect(countLooks()).toBeLessThan(503 + 60);
  });
});
