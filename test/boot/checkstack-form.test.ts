import { eq } from 'drizzle-orm';
import { pgTable, serial, text } from 'drizzle-orm/pg-core';
import { describe, expect, it } from 'vitest';
import { coreServices, definePlugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import {
  auditRef,
  backendPlugin,
  channelPoint,
  incidentsRef,
  keepWarnings,
  notificationsRef,
  type Channel,
} from './checkstack-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('a backend of plugins in both forms', () => {
  it('boots, serves its services, and stops in reverse', async () => {
    const { logger, warnings } = keepWarnings();
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

    const notificationsBackend = backendPlugin('notifications', (env) => {
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
    const slackBackend = backendPlugin('slack', (env) => {
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
    const incidentsBackend = backendPlugin('incidents', (env) => {
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
      plan.plugins
        .filter(({ schema }) => schema)
        .map(({ id, pending }) => [id, pending.map(({ file }) => file)]),
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
      'mail: incidents is up',
      'mail: opened: fire',
      'mail: opened: flood',
    ]);
    expect(warnings).toEqual([]);
    const { rows } = await query('select count(*)::int as n from plugin_notifications.sent');
    expect(rows).toEqual([{ n: 3 }]);
  });
});

describe('a service', () => {
  it('that is registered in register is there for its dependents, whatever keys they choose', async () => {
    const got: unknown[] = [];
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        backendPlugin('consumer', (env) => {
          env.registerInit({
            deps: { signal: incidentsRef, 'incidents.api': coreServices.logger },
            init: (deps) => void got.push(Object.keys(deps), deps.signal),
          });
        }),
        backendPlugin('provider', (env) => {
          env.registerService(incidentsRef, { open: async () => 7 });
        }),
      ],
    });
    await boot.start();
    expect(got).toEqual([['signal', 'incidents.api'], boot.services.get(incidentsRef)]);
  });

  it('that is registered in init without being listed works, and warns', async () => {
    const { logger, warnings } = keepWarnings();
    const { boot } = bootUnderTest({
      pool: db.pool(),
      logger,
      plugins: [
        backendPlugin('late', (env) => {
          env.registerInit({
            init: () => env.registerService(incidentsRef, { open: async () => 7 }),
          });
        }),
        backendPlugin('asks', (env) => {
          env.registerInit({
            deps: {
              logger: coreServices.logger,
              incidents: incidentsRef.optional(),
              audit: auditRef.optional(),
            },
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
    expect(warnings).toEqual([
      'late: incidents.api was registered after register() had returned, so it orders no plugin: list it in provides of registerInit()',
    ]);
  });

  it('that is listed and not registered is named', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [backendPlugin('a', (env) => env.registerInit({ provides: [incidentsRef] }))],
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
      plugins: [backendPlugin('a', (env) => env.registerInit({ deps: { api: incidentsRef } }))],
    });
    const error = await failureOf(boot.start());
    expect(error.problems?.map(({ code }) => code)).toEqual(['SERVICE_MISSING']);
    expect(recording.of('phase.started').map(({ phase }) => phase)).not.toContain('migrateAll');
  });
});
