import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Plugin } from '../../src/index.ts';
import { createBackendPlugin, type BackendPluginRegistry } from '../../src/checkstack.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder, writeMigrations } from '../support/migration-folder.ts';
import { backendPlugin, channelPoint, incidentsRef } from './checkstack-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('a plugin that registers wrongly', () => {
  it.each<[string, (env: BackendPluginRegistry) => unknown, string]>([
    [
      'calls registerInit twice',
      (env) => {
        env.registerInit({});
        env.registerInit({});
      },
      'wrong calls registerInit() twice',
    ],
    [
      'throws',
      () => {
        throw new Error('no config');
      },
      'wrong cannot be registered: no config',
    ],
    [
      'is async',
      () => Promise.reject(new Error('nobody hears this')),
      'wrong cannot be registered: register() is async: move what takes time into init',
    ],
    [
      'calls what is not there',
      (env) => (env as unknown as { registerRouter(): void }).registerRouter(),
      'wrong cannot be registered: env.registerRouter is not a function',
    ],
    [
      'has a dependency that is no ref',
      (env) => env.registerInit({ deps: { api: 7 as never } }),
      'wrong cannot be registered: Expected wrong.deps.api to be a service or optional or collection ref, got 7',
    ],
    [
      'has a relative folder',
      (env) => env.registerInit({ migrations: './drizzle' }),
      'wrong cannot be registered: Expected wrong.migrations to be a file: URL or an absolute path, got "./drizzle"',
    ],
  ])('because it %s is named', async (_, register, message) => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [backendPlugin('wrong', register), backendPlugin('right', () => {})],
    });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'PLUGIN_INVALID', plugin: 'wrong', message });
    expect(error.report).toMatchObject({ outcome: 'failed' });
  });

  it.each<[string, (env: BackendPluginRegistry) => void]>([
    ['registerInit', (env) => env.registerInit({})],
    [
      'registerExtensionPoint',
      (env) => env.registerExtensionPoint(channelPoint, { addChannel: () => 0 }),
    ],
  ])('because it calls %s too late is named', async (method, call) => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [backendPlugin('wrong', (env) => env.registerInit({ init: () => call(env) }))],
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'PLUGIN_INVALID',
      plugin: 'wrong',
      message: `wrong calls ${method}() after register() has returned`,
    });
  });

  it('is listed with all the others', async () => {
    const fail = (): never => {
      throw new Error('no');
    };
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [backendPlugin('a', fail), backendPlugin('b', fail)],
    });
    const error = await failureOf(boot.start());
    expect(error.message).toBe('2 plugins cannot be registered');
    expect(error.problems?.map((each) => each.plugin)).toEqual(['a', 'b']);
  });
});

describe('register', () => {
  it('is called anew by every boot, and env keeps what the plugin puts on it', async () => {
    const kept: number[] = [];
    let calls = 0;
    const counting = backendPlugin('counting', (env) => {
      const stash = env as unknown as { call: number };
      stash.call = calls += 1;
      env.registerInit({ init: () => void kept.push(stash.call) });
    });
    for (let round = 0; round < 2; round += 1) {
      await bootUnderTest({ pool: db.pool(), plugins: [counting] }).boot.start();
    }
    expect(kept).toEqual([1, 2]);
  });

  it('of a second plugin with the same id is not called: the graph says what is wrong', async () => {
    let calls = 0;
    const twin = (): Plugin => backendPlugin('twin', () => void (calls += 1));
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [twin(), twin()] });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'GRAPH_INVALID',
      problems: [{ code: 'PLUGIN_DUPLICATE' }],
    });
    expect(calls).toBe(1);
  });

  it('leaves the facts that stand beside it in force', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        backendPlugin(
          'shaky',
          (env) => {
            let attempts = 0;
            env.registerInit({
              provides: [incidentsRef],
              init: () => {
                attempts += 1;
                if (attempts < 3) throw new Error('not yet');
                env.registerService(incidentsRef, { open: async () => attempts });
              },
            });
          },
          { version: '2.0.0', retry: { attempts: 3, backoff: 1 } },
        ),
      ],
    });
    const report = await boot.start();
    expect(report.plugins[0]).toMatchObject({ id: 'shaky', version: '2.0.0' });
    expect(await boot.services.get(incidentsRef).open('x')).toBe(3);
  });

  it('takes the schema that it had under a previous id, with its data', async () => {
    const { url, query } = await db.fresh();
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE notes (text text);' });
    const called = (pluginId: string, previousPluginIds?: readonly string[]): Plugin =>
      createBackendPlugin({
        metadata: { pluginId, ...(previousPluginIds && { previousPluginIds }) },
        register: (env) => env.registerInit({ migrations: folder }),
      });
    await bootUnderTest({ pool: url, plugins: [called('before')] }).boot.migrate();
    await query(`INSERT INTO plugin_before.notes VALUES ('kept')`);
    await bootUnderTest({ pool: url, plugins: [called('renamed', ['before'])] }).boot.migrate();
    expect((await query('SELECT text FROM plugin_renamed.notes')).rows).toEqual([{ text: 'kept' }]);
  });
});

describe('a plugin that is a package', () => {
  it('is migrated from its drizzle folder unless it names another', async () => {
    const { url, query } = await db.fresh();
    const root = await temporaryFolder();
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({
        name: 'host',
        dependencies: Object.fromEntries(
          ['a', 'b', 'c', 'd', 'e'].map((id) => [`${id}-backend`, '1.0.0']),
        ),
      }),
    );
    for (const [id, folder, told] of [
      ['a', 'drizzle', '{}'],
      ['b', 'sql', "{ migrations: 'sql' }"],
      ['c', 'unused', "{ migrations: { kind: 'sqlFiles', folder: 'unused' } }"],
      [
        'd',
        'drizzle',
        "{ migrations: [{ name: 'a', run: (client) => client.query('CREATE TABLE of_d (id int)') }] }",
      ],
      ['e', 'mixed', "{ migrations: ['mixed', { name: 'a', run: () => undefined }] }"],
    ] as const) {
      const home = join(root, 'node_modules', `${id}-backend`);
      await mkdir(home, { recursive: true });
      await writeMigrations(join(home, folder), { '0000_init': `CREATE TABLE of_${id} (id int);` });
      await writeFile(
        join(home, 'package.json'),
        JSON.stringify({
          name: `${id}-backend`,
          version: '1.0.0',
          type: 'module',
          main: 'index.js',
          slipway: { type: 'backend' },
        }),
      );
      // What createBackendPlugin() returns, as slipway is not installed beside it here.
      await writeFile(
        join(home, 'index.js'),
        `export default { id: '${id}', metadata: { pluginId: '${id}' }, register: (env) => env.registerInit(${told}) };`,
      );
    }
    await bootUnderTest({ pool: url, discover: { root } }).boot.start();
    const { rows } = await query(
      "select schemaname || '.' || tablename as name from pg_tables where tablename like 'of_%' order by 1",
    );
    expect(rows).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((id) => ({ name: `plugin_${id}.of_${id}` })),
    );
  });
});

describe('a plugin that is switched off', () => {
  it('adds nothing to the extension points of others, and may be broken', async () => {
    const { url, query } = await db.fresh();
    const added: string[] = [];
    const plugins = (isBroken: boolean): readonly Plugin[] => [
      backendPlugin('owner', (env) => {
        env.registerExtensionPoint(channelPoint, { addChannel: (_, from) => added.push(from) });
      }),
      backendPlugin('off', (env) => {
        env.getExtensionPoint(channelPoint).addChannel({ id: 'x', deliver: () => {} }, 'off');
        if (isBroken) throw new Error('broken');
      }),
    ];
    const first = bootUnderTest({ pool: url, registry: true, plugins: plugins(false) });
    await first.boot.start();
    await query("update slipway.plugins set enabled = false where id = 'off'");
    for (const isBroken of [false, true]) {
      const { boot } = bootUnderTest({ pool: url, registry: true, plugins: plugins(isBroken) });
      expect((await boot.start()).outcome).toBe('ready');
    }
    expect(added).toEqual(['off']);
  });
});
