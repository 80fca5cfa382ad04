import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { gate, nodeFront, nodeListener, probes } from '../../src/http/index.ts';
import type { Boot } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { holdLock } from './held-lock.ts';
import { ask, listening } from './listening.ts';
import { eventOf, migrationHold, slowPlugins } from './slow-boot.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** Hosts whose routes are all there before they listen; each repeats what is sent to /api/catalog/echo. */
const hosts: Readonly<Record<string, (boot: Boot) => Server | Promise<Server>>> = {
  'node:http': (boot) =>
    createServer(
      nodeListener([probes(boot), gate(boot, { pluginOf: '/api/' })], (request, response) => {
        if (request.url === '/api/catalog/echo') request.pipe(response);
        else response.writeHead(404).end();
      }),
    ),

  'Hono with a middleware': (boot) => {
    const app = new Hono();
    const probe = probes(boot);
    const guard = gate(boot, { pluginOf: '/api/' });
    app.use(async ({ req }, next) => probe(req.raw) ?? guard(req.raw) ?? next());
    app.post('/api/catalog/echo', async (context) => context.text(await context.req.text()));
    return createAdaptorServer(app) as Server;
  },

  'Fastify with a hook': async (boot) => {
    const app = fastify();
    const isAnswered = nodeFront([probes(boot), gate(boot, { pluginOf: '/api/' })]);
    app.addHook('onRequest', (request, reply, done) => {
      if (isAnswered(request.raw, reply.raw)) reply.hijack();
      else done();
    });
    app.post('/api/catalog/echo', ({ body }) => body);
    await app.ready();
    return app.server;
  },
};

describe.each(Object.entries(hosts))('%s', (_, host) => {
  it('answers by itself until the boot is ready, and leaves the rest to the application', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationHold);
    const { boot } = bootUnderTest({ pool: url, plugins: await slowPlugins() });
    const address = await listening(await host(boot));
    const inMigration = eventOf(boot, 'plugin.migrate.executed');
    const started = boot.start();
    await inMigration;

    const echo = `${address}/api/catalog/echo`;
    const body = 'x'.repeat(200_000);
    expect((await ask(`${address}/livez`)).status).toBe(200);
    expect((await ask(`${address}/startupz`)).body).toMatchObject({
      phase: 'migrateAll',
      settled: 3,
      total: 4,
    });
    expect(await ask(echo, { method: 'POST', body })).toMatchObject({
      status: 503,
      body: { code: 'STARTING', plugin: { id: 'catalog', state: 'running' } },
    });
    expect((await ask(`${address}/api/nobody`)).status).toBe(503);

    await lock.release();
    await started;
    expect((await ask(`${address}/readyz`)).status).toBe(200);
    expect(await ask(echo, { method: 'POST', body })).toMatchObject({ status: 200, body });
    expect(await ask(`${address}/api/reports`)).toMatchObject({
      status: 503,
      body: { code: 'PLUGIN_NOT_UP', plugin: { id: 'reports', state: 'failed' } },
    });
    expect((await ask(`${address}/api/nobody`)).status).toBe(404);
  });
});

describe('the frameworks themselves', () => {
  it('take no routes after their first request, which is why the gate stands before them', async () => {
    const hono = new Hono();
    await hono.request('/');
    expect(() => hono.get('/late', (context) => context.text(''))).toThrow('already built');

    const app = fastify();
    await app.ready();
    expect(() => app.get('/late', () => '')).toThrow('already');
  });
});
