import { describe, expect, it } from 'vitest';
import { definePlugin, serviceRef, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const aApi = serviceRef<string>('a.api');
const bApi = serviceRef<string>('b.api');

function given(plugins: readonly Plugin[], options: Partial<BootOptions> = {}): BootUnderTest {
  return bootUnderTest({ pool: db.pool(), plugins, ...options });
}

const provider = (id: string, ref: typeof aApi, more: Partial<Plugin> = {}): Plugin => ({
  id,
  provides: { api: ref },
  init: () => ({ api: id }),
  ...more,
});

describe('init', () => {
  it('begins as soon as all it depends on is up, not when the whole row is', async () => {
    const slow = deferred();
    const began = deferred();
    const { boot, recording } = given([
      definePlugin({ id: 'slow', init: () => slow.promise }),
      provider('a', aApi),
      definePlugin({ id: 'b', deps: { a: aApi }, init: () => began.resolve() }),
    ]);
    const started = boot.start();
    await began.promise;
    expect(boot.state().plugins['slow']?.init).toBe('running');
    slow.resolve();
    await started;
    expect(recording.outcomes('init')).toEqual({ a: 'done', b: 'done', slow: 'done' });
  });

  it('gets the name of the schema that its database works in, and ready gets it too', async () => {
    const names: string[] = [];
    const migrations = await migrationFolder({ '0000_init': 'CREATE TABLE parts (id int);' });
    const { boot } = given(
      [
        definePlugin({
          id: 'stock-room',
          migrations,
          async init({ schema, database }) {
            await database.query(`INSERT INTO "${schema}".parts VALUES (1)`);
            const { rows } = await database.query('SELECT current_schema() AS name FROM parts');
            names.push(schema, rows[0].name);
          },
          ready: ({ schema }) => void names.push(schema),
        }),
        definePlugin({ id: 'bare', init: ({ schema }) => void names.push(schema) }),
      ],
      { migrations: { schemaPrefix: 'shop_' }, init: { concurrency: 1 } },
    );
    await boot.start();
    const own = 'shop_stock-room';
    expect(names).toEqual([own, own, 'shop_bare', own]);
  });

  it('never has more plugins at once than init.concurrency', async () => {
    let running = 0;
    let most = 0;
    const plugins = Array.from({ length: 12 }, (_, index) =>
      definePlugin({
        id: `p${index}`,
        async init() {
          running += 1;
          most = Math.max(most, running);
          await new Promise(setImmediate);
          running -= 1;
        },
      }),
    );
    await given(plugins, { init: { concurrency: 3 } }).boot.start();
    expect(most).toBe(3);
  });

  it('runs in strict order of listing with concurrency 1', async () => {
    const order: string[] = [];
    const plugins = ['c', 'a', 'b'].map((id) =>
      definePlugin({ id, init: () => void order.push(id) }),
    );
    await given(plugins, { init: { concurrency: 1 } }).boot.start();
    expect(order).toEqual(['c', 'a', 'b']);
  });

  it.each([
    ['an error', () => Promise.reject(new Error('no socket')), 'a failed to start: no socket'],
    [
      'a string',
      () => {
        throw 'boom';
      },
      'a failed to start: boom',
    ],
    ['nothing at all', () => Promise.reject(), 'a failed to start: undefined'],
  ])('that throws %s fails the boot, and names the plugin', async (_, init, message) => {
    const { boot, recording } = given([
      { id: 'a', init },
      { id: 'b', after: ['a'] },
    ]);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'INIT_FAILED', plugin: 'a', phase: 'initAll', message });
    expect(error.report).toMatchObject({ outcome: 'failed', error: { code: 'INIT_FAILED' } });
    expect(recording.outcomes('init')).toEqual({ a: 'failed', b: 'notReached' });
  });

  it('that never returns is a timeout, and what it had begun is stopped all the same', async () => {
    const stopped: string[] = [];
    const { boot } = given([
      definePlugin({
        id: 'hung',
        timeouts: { init: 20 },
        init({ onStop, signal }) {
          onStop(() => void stopped.push(`stopped, signal aborted: ${signal.aborted}`));
          return new Promise<void>(() => {});
        },
      }),
    ]);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'INIT_TIMEOUT', plugin: 'hung' });
    expect(error.message).toBe('init of hung did not end within 20ms');
    expect(stopped).toEqual(['stopped, signal aborted: true']);
  });

  it.each([undefined, null, {}, { api: undefined }, 7])(
    'that returns %j instead of its exports is named with the missing keys',
    async (returned) => {
      const { boot } = given([provider('a', aApi, { init: () => returned })]);
      const error = await failureOf(boot.start());
      expect(error.code).toBe('INIT_SERVICE_NOT_PROVIDED');
      expect(error.message).toBe('init of a returned no api, which the plugin provides');
    },
  );

  it('of an optional plugin that fails takes its dependents along, and the boot is degraded', async () => {
    const { boot, recording } = given([
      provider('a', aApi, { required: false, init: () => Promise.reject(new Error('no')) }),
      provider('b', bApi, { required: false, deps: { a: aApi } }),
      definePlugin({ id: 'c', required: false, deps: { b: bApi } }),
      definePlugin({
        id: 'd',
        deps: { a: aApi.optional() },
        init: ({ a }) => expect(a).toBeUndefined(),
      }),
    ]);
    const report = await boot.start();
    expect(report.outcome).toBe('degraded');
    expect(report.plugins.map(({ id, init }) => [id, init.outcome, init.because])).toEqual([
      ['a', 'failed', undefined],
      ['b', 'dependency', 'a failed'],
      ['c', 'dependency', 'b is not up'],
      ['d', 'done', undefined],
    ]);
    expect(recording.outcomes('ready')).toEqual({
      a: 'notReached',
      b: 'dependency',
      c: 'dependency',
      d: 'done',
    });
  });

  it('of an optional plugin fails the boot when a required one needs it', async () => {
    const { boot } = given([
      provider('a', aApi, { required: false, init: () => Promise.reject(new Error('no')) }),
      definePlugin({ id: 'b', deps: { a: aApi } }),
    ]);
    expect(await failureOf(boot.start())).toMatchObject({ code: 'INIT_FAILED', plugin: 'a' });
  });

  it('of an optional plugin that failed lets go at once what it held', async () => {
    const held = new Set<string>();
    const { boot } = given([
      definePlugin({
        id: 'a',
        required: false,
        init({ onStop }) {
          held.add('socket');
          onStop(() => void held.delete('socket'));
          throw new Error('no');
        },
      }),
    ]);
    await boot.start();
    expect(held).toEqual(new Set());
  });

  it('is tried again as often as retry says, each time from a clean start', async () => {
    let attempts = 0;
    let held = 0;
    const { boot, recording } = given([
      definePlugin({
        id: 'a',
        retry: { attempts: 3, backoff: 1 },
        init({ onStop }) {
          attempts += 1;
          held += 1;
          onStop(() => void (held -= 1));
          if (attempts < 3) throw new Error(`attempt ${attempts}`);
        },
      }),
    ]);
    await boot.start();
    expect([attempts, held]).toEqual([3, 1]);
    expect(
      recording
        .of('plugin.init.retrying')
        .map(({ attempt, nextInMs, error }) => [attempt, nextInMs, error.message]),
    ).toEqual([
      [1, 1, 'a failed to start: attempt 1'],
      [2, 2, 'a failed to start: attempt 2'],
    ]);
  });

  it('gets what the plugin made of its database, and a failing maker fails the plugin', async () => {
    const { boot } = given([
      definePlugin({
        id: 'a',
        database: (pool) => ({ one: () => pool.query<{ n: number }>('SELECT 1 AS n') }),
        async init({ database }) {
          const { rows } = await database.one();
          expect(rows).toEqual([{ n: 1 }]);
        },
      }),
      {
        id: 'b',
        after: ['a'],
        init: () => {},
        database: () => {
          throw new Error('no schema object');
        },
      },
    ]);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'INIT_FAILED', plugin: 'b' });
  });
});

describe('the ready hooks', () => {
  it('run after every init, by dependency, and see their own exports', async () => {
    const did: string[] = [];
    const { boot } = given([
      definePlugin({
        id: 'b',
        deps: { a: aApi },
        init: () => void did.push('init b'),
        ready: ({ a }) => void did.push(`ready b with ${a}`),
      }),
      definePlugin({
        id: 'a',
        provides: { api: aApi },
        init: () => {
          did.push('init a');
          return { api: 'A' };
        },
        ready: ({ api }) => void did.push(`ready a with ${api}`),
      }),
    ]);
    await boot.start();
    expect(did).toEqual(['init a', 'init b', 'ready a with A', 'ready b with A']);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no')), /The ready hook of a failed: no/],
    [
      'never returns',
      () => new Promise<void>(() => {}),
      /The ready hook of a did not end within 10ms/,
    ],
  ])('that %s brings the boot down and stops what was up', async (_, ready, message) => {
    const stopped: string[] = [];
    const { boot } = given([
      definePlugin({
        id: 'a',
        timeouts: { ready: 10 },
        init: ({ onStop }) => onStop(() => void stopped.push('a')),
        ready,
      }),
    ]);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'READY_FAILED', plugin: 'a' });
    expect(error.message).toMatch(message);
    expect(stopped).toEqual(['a']);
  });

  it('of an optional plugin that fails leaves the boot degraded and the plugin up', async () => {
    const { boot } = given([
      { id: 'a', required: false, ready: () => Promise.reject(new Error('no')) },
    ]);
    expect((await boot.start()).outcome).toBe('degraded');
  });
});
