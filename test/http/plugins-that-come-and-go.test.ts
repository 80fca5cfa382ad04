import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { gate, nodeListener, probes } from '../../src/http/index.ts';
import { definePlugin, serviceRef, type Boot, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { ask, listening, type Answer } from './listening.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const authApi = serviceRef<string>('auth.api');

const auth = definePlugin({
  id: 'auth',
  provides: { authApi },
  init: () => ({ authApi: 'auth' }),
});

interface Gated {
  readonly boot: Boot;
  readonly get: (path: string) => Promise<Answer>;
}

/** A boot that is up, behind probes, a gate and a router that knows no path at all. */
async function openBoot(...plugins: readonly Plugin[]): Promise<Gated> {
  const { boot } = bootUnderTest({ pool: db.pool(), plugins: [auth, ...plugins] });
  const front = [probes(boot), gate(boot, { pluginOf: '/api/' })];
  const listener = nodeListener(front, (_, response) => {
    response.statusCode = 404;
    response.end('the router knows no such path');
  });
  const address = await listening(createServer(listener));
  await boot.start();
  return { boot, get: (path) => ask(address + path) };
}

/** A plugin that uses auth, and stands in each step until the test lets it go on. */
function slowPlugin() {
  const begun = { migrate: deferred(), init: deferred(), ready: deferred(), stop: deferred() };
  const end = { migrate: deferred(), init: deferred(), ready: deferred(), stop: deferred() };
  const stand = (step: keyof typeof begun): Promise<void> => {
    begun[step].resolve();
    return end[step].promise;
  };
  const plugin = definePlugin({
    id: 'late',
    deps: { authApi },
    migrations: [{ name: '0000_wait', run: () => stand('migrate') }],
    init({ onStop }) {
      onStop(() => stand('stop'));
      return stand('init');
    },
    ready: () => stand('ready'),
  });
  return { plugin, begun, end };
}

describe('a plugin that is added', () => {
  it('gets a 503 STARTING with its step until it is up, and all others serve', async () => {
    const { boot, get } = await openBoot();
    const { plugin, begun, end } = slowPlugin();
    expect((await get('/api/late/things')).status).toBe(404);
    const adding = boot.add(plugin);
    for (const step of ['migrate', 'init', 'ready'] as const) {
      await begun[step].promise;
      const phase = step === 'migrate' ? 'migrateAll' : 'initAll';
      const { status, headers, body } = await get('/api/late/things');
      expect([status, headers.get('retry-after')]).toEqual([503, '5']);
      expect(body).toEqual({
        code: 'STARTING',
        message: 'The backend, or this part of it, is starting',
        phase,
        settled: step === 'ready' ? 1 : 0,
        total: step === 'migrate' ? 1 : 2,
        plugin: { id: 'late', step, state: 'running' },
      });
      expect((await get('/api/auth/me')).status).toBe(404);
      expect(await get('/readyz')).toMatchObject({
        status: 200,
        body: {
          code: 'READY',
          phase: 'ready',
          launch: { launch: 2, phase, running: [{ plugin: 'late', step }] },
        },
      });
      end[step].resolve();
    }
    await adding;
    expect((await get('/api/late/things')).status).toBe(404);
    expect((await get('/readyz')).body).toMatchObject({ code: 'READY', notUp: [] });
    expect((await get('/readyz')).body).not.toHaveProperty('launch');
    end.stop.resolve();
  });

  it('that could not come up is as unknown as before, and readiness as green', async () => {
    const { boot, get } = await openBoot();
    const { plugin, begun, end } = slowPlugin();
    end.migrate.resolve();
    end.init.resolve();
    const adding = failureOf(
      boot.add({ ...plugin, ready: () => Promise.reject(new Error('no light')) }),
    );
    await begun.stop.promise;
    expect(await get('/api/late/things')).toMatchObject({
      status: 503,
      body: { code: 'PLUGIN_NOT_UP', plugin: { id: 'late' } },
    });
    end.stop.resolve();
    await adding;
    expect((await get('/api/late/things')).status).toBe(404);
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { code: 'READY', notUp: [] } });
  });

  it('under an id that is up already changes nothing of the one that is up', async () => {
    const { boot } = await openBoot();
    const look = gate(boot, { pluginOf: '/api/' });
    const url = 'http://localhost/api/auth/me';
    const answers: (Response | undefined)[] = [];
    boot.onAny(() => answers.push(look({ method: 'GET', url, headers: new Headers() })));
    await failureOf(boot.add({ id: 'auth' }));
    expect(answers.length).toBeGreaterThan(2);
    expect(answers.filter((answer) => answer !== undefined)).toEqual([]);
    expect(boot.state().plugins['auth']).toMatchObject({ ready: 'done', stop: 'pending' });
  });

  it('and had failed at boot makes a degraded backend a whole one', async () => {
    let fails = true;
    const flaky = definePlugin({
      id: 'flaky',
      required: false,
      init() {
        if (fails) throw new Error('not yet');
      },
    });
    const { boot, get } = await openBoot(flaky);
    const lost = { code: 'DEGRADED', notUp: [{ id: 'flaky', step: 'init', state: 'failed' }] };
    expect((await get('/readyz')).body).toMatchObject(lost);
    fails = false;
    await boot.add(flaky);
    expect((await get('/readyz')).body).toMatchObject({ code: 'READY', notUp: [] });
    expect((await get('/api/flaky/things')).status).toBe(404);
  });
});

describe('a plugin that is removed', () => {
  it('gets a 503 PLUGIN_NOT_UP from the moment its stop begins, until it is added again', async () => {
    const { boot, get } = await openBoot();
    const { plugin, begun, end } = slowPlugin();
    for (const step of ['migrate', 'init', 'ready'] as const) end[step].resolve();
    await boot.add(plugin);
    const removing = boot.remove('late');
    await begun.stop.promise;
    for (const state of ['running', 'done']) {
      const { status, headers, body } = await get('/api/late/things');
      expect([status, headers.get('retry-after')]).toEqual([503, null]);
      expect(body).toMatchObject({
        code: 'PLUGIN_NOT_UP',
        plugin: { id: 'late', step: 'stop', state },
      });
      expect((await get('/api/auth/me')).status).toBe(404);
      // It is not meant to be up.
      expect((await get('/readyz')).body).toMatchObject({ code: 'READY', notUp: [] });
      end.stop.resolve();
      await removing;
    }
    await boot.add(plugin);
    expect((await get('/api/late/things')).status).toBe(404);
  });

  it('takes those that use it along', async () => {
    const { boot, get } = await openBoot();
    await boot.add(definePlugin({ id: 'late', deps: { authApi } }));
    await boot.remove('auth', { dependents: 'stop' });
    for (const id of ['auth', 'late']) {
      expect(await get(`/api/${id}/x`)).toMatchObject({
        status: 503,
        body: { plugin: { id, step: 'stop', state: 'done' } },
      });
    }
  });
});
