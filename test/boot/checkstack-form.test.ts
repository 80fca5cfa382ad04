import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, serial, text } from 'drizzle-orm/pg-core';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  coreServices,
  createBackendPlugin,
  createExtensionPoint,
  createScopedDb,
  createServiceRef,
  definePlugin,
  type BackendPlugin,
  type BackendPluginRegistry,
  type Logger,
  type Plugin,
} from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder, writeMigrations } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

interface Channel {
  readonly id: string;
  deliver(text: string): void;
}
interface ChannelPoint {
  addChannel(channel: Channel, pluginId: string): number;
}
interface Notifications {
  send(text: string): Promise<void>;
}
interface Incidents {
  open(title: string): Promise<number>;
}

const channelPoint = createExtensionPoint<ChannelPoint>('notifications.channels');
const notificationsRef = createServiceRef<Notifications>('notifications.api');
const incidentsRef = createServiceRef<Incidents>('incidents.api');
const auditRef = createServiceRef<(what: string) => void>('audit.log');

const plugin = (
  pluginId: string,
  register: (env: BackendPluginRegistry) => void,
  more: Partial<BackendPlugin> = {},
): Plugin => createBackendPlugin({ metadata: { pluginId }, register, ...more });

const warnings: string[] = [];
const logger: Logger = {
  debug: () => {},
  info: () => {},
  error: () => {},
  warn: (fields: object | string, message?: string) =>
    void warnings.push(
      typeof fields === 'string' ? fields : `${String(Reflect.get(fields, 'plugin'))}: ${message}`,
    ),
};
const warned = (): string[] => warnings.splice(0);

describe('a backend of plugins in both forms', () => {
  it('boots, serves its services, and stops in reverse', async () => {
    const { url, query } = await db.fresh();
    const did: string[] = [];
    const delivered: string[] = [];
    const sent = pgTable('sent', { id: serial('id').primaryKey(), body: text('body').notNull() });
    const incidents = pgTable('incidents', { id: serial('id').primaryKey(), title: text('title') });
    const channel = (id: string): Channel => ({
      id,
      deliver: (body) => void delivered.push(`${id}: ${body}`),
    });
    const sentFolder = await migrationFolder({
      '0000_init': 'CREATE TABLE "sent" ("id" serial PRIMARY KEY, "body" text NOT NULL);',
    });
    const incidentsFolder = await migrationFolder({
      '0000_init': 'CREATE TABLE "public"."incidents" ("id" serial PRIMARY KEY, "title" text);',
    });

    const notificationsBackend = plugin('notifications', (env) => {
      const channels: Channel[] = [];
      env.registerExtensionPoint(channelPoint, {
        addChannel: (added, pluginId) => channels.push({ ...added, id: `${pluginId}.${added.id}` }),
      });
      env.registerCleanup(async () => void did.push('cleanup from register of notifications'));
      env.registerInit({
        schema: { sent },
        migrations: sentFolder,
        provides: [notificationsRef],
        deps: { logger: coreServices.logger, audit: auditRef },
        init: async ({ database, audit }) => {
          did.push(`init notifications with ${channels.map(({ id }) => id).join()}`);
          audit('notifications is up');
          env.registerService(notificationsRef, {
            async send(body) {
              await database.insert(sent).values({ body });
              for (const each of channels) each.deliver(body);
            },
          });
          env.registerCleanup(async () => void did.push('cleanup from init of notifications'));
        },
        afterPluginsReady: async ({ database }) => {
          did.push(`ready notifications after ${await database.$count(sent)}`);
        },
      });
    });
    const slackBackend = plugin('slack', (env) => {
      const point = env.getExtensionPoint(channelPoint);
      point.addChannel(channel('early'), env.pluginId);
      env.registerInit({
        deps: { life: coreServices.lifecycle },
        init: async ({ life }) => {
          life.onStop(() => void did.push('stop slack'));
          await new Promise(setImmediate);
          point.addChannel(channel('in-init'), env.pluginId);
        },
      });
    });
    const incidentsBackend = plugin('incidents', (env) => {
      env.registerInit({
        schema: { incidents },
        migrations: incidentsFolder,
        provides: [incidentsRef],
        deps: { notifications: notificationsRef },
        init: async ({ database, notifications }) => {
          did.push('init incidents');
          env.registerService(incidentsRef, {
            async open(title) {
              const [row] = await database.insert(incidents).values({ title }).returning();
              await notifications.send(`opened: ${title}`);
              const found = await database.query.incidents.findFirst({
                where: eq(incidents.title, title),
              });
              expect(found).toEqual(row);
              return row?.id ?? 0;
            },
          });
          await notifications.send('incidents is up');
        },
      });
    });
    const mail = definePlugin({
      id: 'mail',
      provides: { channel: channelPoint },
      init: () => ({ channel: (point) => void point.addChannel(channel('mail'), 'mail') }),
    });
    const audit = definePlugin({
      id: 'audit',
      provides: { log: auditRef },
      init: () => ({ log: (what) => void did.push(`audit: ${what}`) }),
    });
    const desk = definePlugin({
      id: 'desk',
      deps: { incidents: incidentsRef },
      ready: async ({ incidents: api }) => void did.push(`desk opened ${await api.open('fire')}`),
    });

    const { boot } = bootUnderTest({
      pool: url,
      logger,
      plugins: [desk, incidentsBackend, slackBackend, notificationsBackend, mail, audit],
    });
    const plan = await boot.plan();
    expect(
      plan.plugins.filter(({ schema }) => schema).map(({ id, pending }) => [id, pending]),
    ).toEqual([
      ['notifications', ['0000_init.sql']],
      ['incidents', ['0000_init.sql']],
    ]);
    await boot.start();
    expect(await boot.services.get(incidentsRef).open('flood')).toBe(2);
    await boot.stop();

    expect(did).toEqual([
      'init notifications with slack.early,slack.in-init,mail.mail',
      'audit: notifications is up',
      'init incidents',
      'ready notifications after 1',
      'desk opened 1',
      'cleanup from init of notifications',
      'cleanup from register of notifications',
      'stop slack',
    ]);
    expect(delivered.filter((line) => line.startsWith('mail'))).toEqual([
      'mail.mail: incidents is up',
      'mail.mail: opened: fire',
      'mail.mail: opened: flood',
    ]);
    expect(warned()).toEqual([]);
    const { rows } = await query('select count(*)::int as n from plugin_notifications.sent');
    expect(rows).toEqual([{ n: 3 }]);
  });
});

describe('an extension point', () => {
  const owner = (seen: string[]): Plugin =>
    plugin('owner', (env) => {
      env.registerExtensionPoint(channelPoint, {
        addChannel: ({ id }, from) => seen.push(`${from}.${id}`),
      });
      env.registerInit({ init: () => void seen.push('init') });
    });
  const silent = (id: string): Channel => ({ id, deliver: () => {} });

  it('answers calls with what the owner returns once it is registered, and with undefined before', async () => {
    const seen: string[] = [];
    const answers: unknown[] = [];
    const contributor = (id: string): Plugin =>
      plugin(id, (env) => {
        const { addChannel } = env.getExtensionPoint(channelPoint);
        answers.push(addChannel(silent('x'), id));
        env.registerInit({ init: () => void answers.push(addChannel(silent('y'), id)) });
      });
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [contributor('before'), owner(seen), contributor('after')],
      init: { concurrency: 1 },
    });
    await boot.start();
    expect(answers).toEqual([undefined, 2, 3, 4]);
    expect(seen).toEqual(['before.x', 'after.x', 'before.y', 'after.y', 'init']);
  });

  it('that is got in init orders nobody, warns, and still gets what is added', async () => {
    const seen: string[] = [];
    const late = plugin('late', (env) => {
      env.registerInit({
        init: async () => {
          const point = env.getExtensionPoint(channelPoint);
          point.addChannel(silent('x'), 'late');
          env.getExtensionPoint(channelPoint).addChannel(silent('y'), 'late');
        },
      });
    });
    const { boot } = bootUnderTest({
      pool: db.pool(),
      logger,
      plugins: [owner(seen), late],
      init: { concurrency: 1 },
    });
    expect((await boot.plan()).edges).toEqual([]);
    await boot.start();
    expect(seen).toEqual(['init', 'late.x', 'late.y']);
    expect(warned()).toEqual([
      'late: notifications.channels was got in init, so its owner may start before it has everything: get it in register()',
    ]);
  });

  it('may be used by its own owner, and by nobody at all', async () => {
    const seen: string[] = [];
    const both = plugin('both', (env) => {
      env.getExtensionPoint(channelPoint).addChannel(silent('own'), 'both');
      env.registerExtensionPoint(channelPoint, { addChannel: ({ id }) => seen.push(id) });
    });
    const lonely = plugin('lonely', (env) => {
      const point = env.getExtensionPoint(createExtensionPoint<ChannelPoint>('of.nobody'));
      point.addChannel(silent('x'), 'lonely');
    });
    await bootUnderTest({ pool: db.pool(), plugins: [both, lonely] }).boot.start();
    expect(seen).toEqual(['own']);
  });

  it('of a plugin in the other form gets its contributions as a list of functions', async () => {
    const seen: string[] = [];
    const point: ChannelPoint = { addChannel: ({ id }, from) => seen.push(`${from}.${id}`) };
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        definePlugin({
          id: 'owner',
          deps: { channels: channelPoint },
          init: ({ channels }) => channels.forEach((contribute) => contribute(point)),
        }),
        plugin('a', (env) => {
          const channels = env.getExtensionPoint(channelPoint);
          channels.addChannel(silent('x'), 'a');
          env.registerInit({ afterPluginsReady: () => void channels.addChannel(silent('y'), 'a') });
        }),
      ],
    });
    await boot.start();
    expect(seen).toEqual(['a.x', 'a.y']);
  });

  it('can be awaited and returned without taking that for a call', async () => {
    const seen: string[] = [];
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        plugin('a', (env) => {
          const point = Promise.resolve(env.getExtensionPoint(channelPoint));
          env.registerInit({
            init: async () => void (await point).addChannel(silent('x'), 'a'),
          });
        }),
        owner(seen),
      ],
    });
    await boot.start();
    expect(seen).toEqual(['a.x', 'init']);
  });

  it('that is registered by two plugins names both', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        owner([]),
        plugin('second', (env) => {
          env.registerExtensionPoint(channelPoint, { addChannel: () => 0 });
        }),
      ],
    });
    const error = await failureOf(boot.start());
    expect(error.message).toBe(
      'second registers the extension point notifications.channels, which owner owns',
    );
  });

  it('names the contributor when what it added before is refused', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        plugin('a', (env) => {
          env.getExtensionPoint(channelPoint).addChannel(silent('x'), 'a');
        }),
        plugin('owner', (env) => {
          env.registerExtensionPoint(channelPoint, {
            addChannel: () => {
              throw new Error('no room');
            },
          });
        }),
      ],
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'PLUGIN_INVALID',
      plugin: 'a',
      message: 'a called addChannel() of the extension point notifications.channels: no room',
    });
  });

  it('whose owner needs a contributor, which needs the owner, is a cycle with its reasons', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        plugin('owner', (env) => {
          env.registerExtensionPoint(channelPoint, { addChannel: () => 0 });
          env.registerService(notificationsRef, { send: async () => {} });
        }),
        plugin('slack', (env) => {
          env.getExtensionPoint(channelPoint);
          env.registerInit({ deps: { api: notificationsRef } });
        }),
      ],
    });
    const error = await failureOf(boot.start());
    expect(error.problems?.map(({ message }) => message)).toEqual([
      expect.stringContaining('owner collects notifications.channels from slack'),
    ]);
  });
});

describe('a service', () => {
  it('that is registered in register is there for its dependents, whatever keys they choose', async () => {
    const got: unknown[] = [];
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        plugin('consumer', (env) => {
          env.registerInit({
            deps: { signal: incidentsRef, 'incidents.api': coreServices.logger },
            init: (deps) => void got.push(Object.keys(deps), deps.signal),
          });
        }),
        plugin('provider', (env) => {
          env.registerService(incidentsRef, { open: async () => 7 });
        }),
      ],
    });
    await boot.start();
    expect(got).toEqual([['signal', 'incidents.api'], boot.services.get(incidentsRef)]);
  });

  it('that is registered in init without being listed works, and warns', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      logger,
      plugins: [
        plugin('late', (env) => {
          env.registerInit({
            init: () => env.registerService(incidentsRef, { open: async () => 7 }),
          });
        }),
        plugin('asks', (env) => {
          env.registerInit({
            deps: { logger: coreServices.logger },
            afterPluginsReady: async (deps) => {
              expect(await (await env.getService(incidentsRef)).open('x')).toBe(7);
              expect(await env.getService(coreServices.logger)).toBe(deps.logger);
              await expect(env.getService(auditRef)).rejects.toThrow('audit.log is not up');
            },
          });
        }),
      ],
    });
    await boot.start();
    expect(boot.services.get(incidentsRef)).toBeDefined();
    expect(warned()).toEqual([
      'late: incidents.api was registered after register() had returned, so nobody is ordered by it: list it in provides of registerInit()',
    ]);
  });

  it('that is listed and not registered is named', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [plugin('a', (env) => env.registerInit({ provides: [incidentsRef] }))],
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'INIT_SERVICE_NOT_PROVIDED',
      plugin: 'a',
      message: 'init of a registered no incidents.api, which the plugin provides',
    });
  });

  it('that nobody registers is a problem of the graph, before any work', async () => {
    const { boot, recording } = bootUnderTest({
      pool: db.pool(),
      plugins: [plugin('a', (env) => env.registerInit({ deps: { api: incidentsRef } }))],
    });
    const error = await failureOf(boot.start());
    expect(error.problems?.map(({ code }) => code)).toEqual(['SERVICE_MISSING']);
    expect(recording.of('phase.started').map(({ phase }) => phase)).toEqual(['discover', 'sort']);
  });
});

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
      'wrong cannot be registered: register() is async: do in init what takes time',
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
      plugins: [plugin('wrong', register), plugin('right', () => {})],
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
      plugins: [plugin('wrong', (env) => env.registerInit({ init: () => call(env) }))],
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
      plugins: [plugin('a', fail), plugin('b', fail)],
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
    const counting = plugin('counting', (env) => {
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
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [plugin('a', () => {}), plugin('a', () => {})],
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'GRAPH_INVALID',
      problems: [{ code: 'PLUGIN_DUPLICATE' }],
    });
  });

  it('leaves the facts that stand beside it in force', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        plugin(
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

  it('says that a rename is not acted upon', async () => {
    const renamed = createBackendPlugin({
      metadata: { pluginId: 'renamed', previousPluginIds: ['before'] },
      register: () => {},
    });
    await bootUnderTest({ pool: db.pool(), logger, plugins: [renamed] }).boot.start();
    expect(warned()).toEqual([
      'renamed: previousPluginIds is not acted upon: no schema is renamed',
    ]);
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
        dependencies: { 'a-backend': '1.0.0', 'b-backend': '1.0.0' },
      }),
    );
    const source = new URL('../../src/index.ts', import.meta.url).href;
    for (const [id, folder, told] of [
      ['a', 'drizzle', '{}'],
      ['b', 'sql', "{ migrations: 'sql' }"],
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
      await writeFile(
        join(home, 'index.js'),
        `export default globalThis[Symbol.for('checkstack-form-test')]('${id}', (env) => env.registerInit(${told}));`,
      );
    }
    // What a package would import from slipway, which is not installed beside it here.
    const global = globalThis as unknown as Record<symbol, unknown>;
    global[Symbol.for('checkstack-form-test')] = plugin;
    void source;
    await bootUnderTest({ pool: url, discover: { root } }).boot.start();
    const { rows } = await query(
      "select schemaname || '.' || tablename as name from pg_tables where tablename like 'of_%' order by 1",
    );
    expect(rows).toEqual([{ name: 'plugin_a.of_a' }, { name: 'plugin_b.of_b' }]);
  });
});

describe('createScopedDb()', () => {
  it('is Drizzle in the schema of a plugin, on the connections of another Drizzle', async () => {
    const { pool, query } = await db.fresh();
    await query(
      'create schema plugin_x; create table plugin_x.sent (id serial, body text not null)',
    );
    const shared = pool();
    const base = drizzle({ client: shared });
    const sent = pgTable('sent', { id: serial('id').primaryKey(), body: text('body').notNull() });
    const scoped = createScopedDb(base, 'plugin_x', { schema: { sent } });
    await scoped.transaction(async (tx) => void (await tx.insert(sent).values({ body: 'hello' })));
    expect(await scoped.query.sent.findMany()).toEqual([{ id: 1, body: 'hello' }]);
    expect(await createScopedDb(base, 'plugin_x').select().from(sent)).toHaveLength(1);
    await expect(base.select().from(sent)).rejects.toThrow();
    expect(shared.totalCount).toBe(1);
  });
});
