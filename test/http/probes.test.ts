import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { nodeListener, probes } from '../../src/http/index.ts';
import { definePlugin, type Boot } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { holdLock } from './held-lock.ts';
import { ask, listening } from './listening.ts';
import { eventOf, migrationHold, slowPlugins } from './slow-boot.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const anyNumber = expect.any(Number) as number;

const serve = (boot: Boot, options = {}): Promise<string> =>
  listening(
    createServer(nodeListener([probes(boot, options)], (_, response) => response.end('the app'))),
  );

const statuses = (address: string): Promise<readonly number[]> =>
  Promise.all(
    ['/livez', '/readyz', '/startupz'].map(async (path) => (await ask(address + path)).status),
  );

describe('before start()', () => {
  it('the process lives, and has not started', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    const address = await serve(boot);
    expect(await statuses(address)).toEqual([200, 503, 503]);
    expect((await ask(`${address}/startupz`)).body).toMatchObject({
      code: 'STARTING',
      phase: 'idle',
      settled: 0,
      total: 0,
    });
  });
});

describe('while a migration runs', () => {
  it('the process lives, and startup tells the phase, how far it is, what runs and for how long', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationHold);
    const { boot } = bootUnderTest({ pool: url, plugins: await slowPlugins() });
    const address = await serve(boot);
    const inMigration = eventOf(boot, 'plugin.migrate.executed');
    const started = boot.start();
    await inMigration;

    expect(await statuses(address)).toEqual([200, 503, 503]);
    const { body } = await ask(`${address}/startupz`);
    expect(body).toEqual({
      code: 'STARTING',
      message: 'The backend, or this part of it, is starting',
      bootId: boot.id,
      phase: 'migrateAll',
      headline: expect.stringMatching(
        /^catalog applies 0000_items.sql: statement 2 of 2, SELECT, has run for .* \(3 of 4 migrated\)$/,
      ) as string,
      settled: 3,
      total: 4,
      running: [
        {
          plugin: 'catalog',
          step: 'migrate',
          forMs: anyNumber,
          file: {
            file: '0000_items.sql',
            index: 1,
            of: 1,
            statement: 2,
            statements: 2,
            line: 3,
            command: 'SELECT',
            forMs: anyNumber,
          },
        },
      ],
      notUp: [],
    });

    await lock.release();
    await started;
    expect(await statuses(address)).toEqual([200, 200, 200]);
    const { body: later } = await ask(`${address}/startupz`);
    expect(later).toMatchObject({ running: [], notUp: [{ id: 'reports' }, { id: 'dashboards' }] });
  });

  it('startup names who holds the migration lock that is waited for', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationLockKey('plugin_catalog'));
    const { boot } = bootUnderTest({ pool: url, plugins: await slowPlugins() });
    const address = await serve(boot);
    const waiting = eventOf(boot, 'plugin.migrate.waiting');
    const started = boot.start();
    await waiting;

    expect((await ask(`${address}/startupz`)).body).toMatchObject({
      running: [
        {
          plugin: 'catalog',
          step: 'migrate',
          wait: { kind: 'lock', holder: { pid: lock.pid, applicationName: 'another replica' } },
        },
      ],
    });
    const migrating = new Promise((resolve) => {
      boot.once('plugin.migrate.started', () => resolve(boot.state().running));
    });
    await lock.release();
    await started;
    const forMs = anyNumber;
    expect(await migrating).toEqual([{ plugin: 'catalog', step: 'migrate', forMs }]);
  });
});

describe('while plugins start', () => {
  it('startup counts two steps for each of them: init and ready', async () => {
    const began = deferred();
    const slow = deferred();
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        { id: 'quick' },
        definePlugin({
          id: 'slow',
          after: ['quick'],
          init() {
            began.resolve();
            return slow.promise;
          },
        }),
      ],
    });
    const address = await serve(boot);
    const started = boot.start();
    await began.promise;
    expect((await ask(`${address}/startupz`)).body).toMatchObject({
      phase: 'initAll',
      settled: 1,
      total: 4,
      running: [{ plugin: 'slow', step: 'init' }],
    });
    slow.resolve();
    await started;
  });
});

describe('while PostgreSQL does not answer', () => {
  it('startup says so', async () => {
    const { boot } = bootUnderTest({
      pool: 'postgres://nobody@127.0.0.1:1/nothing',
      plugins: await slowPlugins(),
    });
    const address = await serve(boot);
    const waiting = eventOf(boot, 'boot.waiting');
    const started = failureOf(boot.start());
    await waiting;
    expect((await ask(`${address}/startupz`)).body).toMatchObject({
      wait: { kind: 'database', reason: 'PostgreSQL does not answer' },
    });
    await boot.stop();
    await started;
  });
});

describe('once everything is up', () => {
  it('readiness tells of optional plugins that are not', async () => {
    const { url } = await db.fresh();
    const { boot } = bootUnderTest({ pool: url, plugins: await slowPlugins() });
    const address = await serve(boot);
    await boot.start();
    expect(await ask(`${address}/readyz`)).toMatchObject({
      status: 200,
      body: {
        code: 'DEGRADED',
        notUp: [
          { id: 'reports', step: 'init', state: 'failed' },
          { id: 'dashboards', step: 'init', state: 'dependency' },
        ],
      },
    });
  });

  it('readiness turns false before anything is stopped, and the process lives to the end', async () => {
    const drain = deferred();
    const stopping = deferred();
    const stop = deferred();
    const stopped: string[] = [];
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        definePlugin({
          id: 'a',
          init: ({ onStop }) =>
            onStop(() => {
              stopped.push('a');
              stopping.resolve();
              return stop.promise;
            }),
        }),
      ],
    });
    const address = await serve(boot);
    await boot.start();
    expect(await statuses(address)).toEqual([200, 200, 200]);

    boot.beforeStop(() => drain.promise);
    const down = boot.stop();
    expect(await statuses(address)).toEqual([200, 503, 200]);
    expect(stopped).toEqual([]);

    drain.resolve();
    await stopping.promise;
    expect(await statuses(address)).toEqual([200, 503, 200]);
    stop.resolve();
    await down;
    expect(await statuses(address)).toEqual([200, 503, 200]);
    expect((await ask(`${address}/readyz`)).body).toMatchObject({ code: 'STOPPING' });
  });
});

describe('after a boot that failed', () => {
  it('every probe is red: only a restart helps', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [{ id: 'a', init: () => Promise.reject(new Error('no')) }],
    });
    const address = await serve(boot);
    await failureOf(boot.start());
    expect(await statuses(address)).toEqual([503, 503, 503]);
    expect((await ask(`${address}/livez`)).body).toMatchObject({ code: 'FAILED' });
  });
});

describe('an answer', () => {
  it('is never cached', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    const { headers } = await ask(`${await serve(boot)}/livez`);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('to HEAD is that to GET without its body', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    const address = `${await serve(boot)}/startupz`;
    const [get, head] = [await ask(address), await ask(address, { method: 'HEAD' })];
    expect(head).toMatchObject({ status: 503, body: '' });
    for (const name of ['content-length', 'content-type', 'cache-control']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
  });

  it('to any other method is 405', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    const { status, headers, body } = await ask(`${await serve(boot)}/livez`, { method: 'POST' });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(body).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
  });

  it('comes on the paths that the host chose, whatever follows the path', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    const address = await serve(boot, { live: '/health/live' });
    expect((await ask(`${address}/health/live?from=kubelet`)).body).toMatchObject({
      code: 'ALIVE',
    });
    expect((await ask(`${address}/livez`)).body).toBe('the app');
    expect((await ask(`${address}/livez/more`)).body).toBe('the app');
  });
});

describe('probes()', () => {
  it('refuses a path that is none', () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    expect(() => probes(boot, { live: 'livez' })).toThrow(
      'Expected probes.live to be a path that begins with',
    );
  });

  it('refuses one path for two probes: a restart that liveness asks for would come while it migrates', () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    expect(() => probes(boot, { live: '/health', ready: '/health' })).toThrow(
      'Expected probes to be three different paths',
    );
  });
});
