import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { gate, nodeListener, type GateOptions } from '../../src/http/index.ts';
import { definePlugin, type Boot, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { holdLock } from './held-lock.ts';
import { ask, listening, type Answer } from './listening.ts';
import { eventOf, migrationHold, slowPlugins } from './slow-boot.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

interface Gated {
  readonly boot: Boot;
  readonly get: (path: string) => Promise<Answer>;
}

/** A boot behind a server whose router knows no path at all. */
async function gated(options: Partial<BootOptions>, gateOptions: GateOptions = {}): Promise<Gated> {
  const { boot } = bootUnderTest({ pool: db.pool(), plugins: [], ...options });
  const listener = nodeListener([gate(boot, gateOptions)], (_, response) => {
    response.statusCode = 404;
    response.end('the router knows no such path');
  });
  const address = await listening(createServer(listener));
  return { boot, get: (path) => ask(address + path) };
}

describe('until everything is up', () => {
  it('every request gets a 503 with code, progress and when to come again', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationHold);
    const { boot, get } = await gated({ pool: url, plugins: await slowPlugins() });
    const before = await get('/');
    expect(before).toMatchObject({ status: 503, body: { code: 'STARTING', phase: 'idle' } });

    const inMigration = eventOf(boot, 'plugin.migrate.executed');
    const started = boot.start();
    await inMigration;
    const { status, headers, body } = await get('/anything');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      code: 'STARTING',
      message: 'The backend, or this part of it, is starting',
      phase: 'migrateAll',
      settled: 3,
      total: 4,
    });
    await lock.release();
    await started;
  });

  it('a plugin that is known already is answered with its state, and one that is not with a 503 too', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationHold);
    const { boot, get } = await gated(
      { pool: url, plugins: await slowPlugins() },
      { pluginOf: '/api/' },
    );
    const inMigration = eventOf(boot, 'plugin.migrate.executed');
    const started = boot.start();
    await inMigration;
    expect(await get('/api/catalog/items')).toMatchObject({
      status: 503,
      body: { code: 'STARTING', plugin: { id: 'catalog', step: 'migrate', state: 'running' } },
    });
    expect(await get('/api/auth')).toMatchObject({
      status: 503,
      body: { code: 'STARTING', plugin: { id: 'auth', step: 'init', state: 'pending' } },
    });
    expect((await get('/api/nobody')).status).toBe(503);
    await lock.release();
    await started;
  });

  it('Retry-After is whole seconds, and never 0', async () => {
    const { get } = await gated({}, { retryAfter: 1_001 });
    expect((await get('/')).headers.get('retry-after')).toBe('2');
    const { get: hasty } = await gated({}, { retryAfter: 0 });
    expect((await hasty('/')).headers.get('retry-after')).toBe('1');
  });
});

describe('once everything is up', () => {
  it('requests pass; those for a known plugin that is not up get a 503 with its state', async () => {
    const { url } = await db.fresh();
    const { boot, get } = await gated(
      { pool: url, plugins: await slowPlugins() },
      { pluginOf: '/api/' },
    );
    await boot.start();
    for (const path of ['/', '/api/', '/api/catalog/items', '/api/nobody', '/api/__proto__']) {
      expect((await get(path)).status, path).toBe(404);
    }
    const { status, headers, body } = await get('/api/reports?year=1');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBeNull();
    expect(body).toEqual({
      code: 'PLUGIN_NOT_UP',
      message: 'This part of the backend is not up',
      plugin: { id: 'reports', step: 'init', state: 'failed' },
    });
    expect((await get('/api/dashboards/1')).body).toMatchObject({
      plugin: { id: 'dashboards', step: 'init', state: 'dependency' },
    });
  });

  it('the host can say by itself whose a request is', async () => {
    const { url } = await db.fresh();
    const { boot, get } = await gated(
      { pool: url, plugins: await slowPlugins() },
      { pluginOf: ({ url: asked }) => new URL(asked).searchParams.get('plugin') ?? undefined },
    );
    await boot.start();
    expect((await get('/?plugin=reports')).status).toBe(503);
    expect((await get('/?plugin=auth')).status).toBe(404);
    expect((await get('/')).status).toBe(404);
  });
});

describe('on the way down', () => {
  it('requests still pass while the drain goes on; then they get a 503 and the connection is closed', async () => {
    const drain = deferred();
    const stopping = deferred();
    const stop = deferred();
    const { boot, get } = await gated({
      plugins: [
        definePlugin({
          id: 'a',
          init: ({ onStop }) =>
            onStop(() => {
              stopping.resolve();
              return stop.promise;
            }),
        }),
      ],
    });
    await boot.start();
    boot.beforeStop(() => drain.promise);
    const down = boot.stop();
    expect((await get('/')).status).toBe(404);

    drain.resolve();
    await stopping.promise;
    const { status, headers, body } = await get('/');
    expect([status, headers.get('connection')]).toEqual([503, 'close']);
    expect(body).toMatchObject({ code: 'STOPPING', phase: 'stopAll', settled: 0, total: 1 });
    stop.resolve();
    await down;
    expect((await get('/')).body).toMatchObject({ code: 'STOPPING' });
  });

  it('a boot that failed says so', async () => {
    const { boot, get } = await gated({
      plugins: [{ id: 'a', init: () => Promise.reject(new Error('a secret')) }],
    });
    await failureOf(boot.start());
    const { status, body } = await get('/');
    expect([status, body]).toMatchObject([503, { code: 'FAILED' }]);
    expect(JSON.stringify(body)).not.toContain('secret');
  });
});

describe('gate()', () => {
  it('refuses a prefix that does not end where the plugin begins', () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    expect(() => gate(boot, { pluginOf: '/api' })).toThrow(
      'Expected gate.pluginOf to be a function, or a path that begins and ends with',
    );
  });
});
