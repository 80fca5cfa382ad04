import { describe, expect, it } from 'vitest';
import {
  createBoot,
  definePlugin,
  serviceRef,
  type Boot,
  type BootOptions,
  type Plugin,
} from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

function given(plugins: readonly Plugin[], options: Partial<BootOptions> = {}): BootUnderTest {
  return bootUnderTest({ pool: db.pool(), plugins, ...options });
}

const eventOf = (boot: Boot, name: Parameters<Boot['once']>[0]): Promise<unknown> =>
  new Promise((resolve) => boot.once(name, resolve));

describe('the way down', () => {
  it('stops dependents first, side by side where the graph allows, handlers last in, first out', async () => {
    const api = serviceRef<number>('base.api');
    const stopped: string[] = [];
    const both = [deferred(), deferred()] as const;
    const leaf = (id: string, own: 0 | 1): Plugin =>
      definePlugin({
        id,
        deps: { api },
        init: ({ onStop }) =>
          onStop(async () => {
            both[own].resolve();
            // Each waits for the other: one after the other would never end.
            await Promise.all(both.map(({ promise }) => promise));
            stopped.push(id);
          }),
      });
    const { boot } = given([
      definePlugin({
        id: 'base',
        provides: { api },
        init({ onStop }) {
          onStop(() => void stopped.push('base, first handler'));
          onStop(() => void stopped.push('base, second handler'));
          return { api: 1 };
        },
      }),
      leaf('left', 0),
      leaf('right', 1),
    ]);
    await boot.start();
    await boot.stop();
    expect(stopped.slice(0, 2).toSorted()).toEqual(['left', 'right']);
    expect(stopped.slice(2)).toEqual(['base, second handler', 'base, first handler']);
  });

  it('after a failed init stops in reverse what had started, and gathers every error', async () => {
    const stopped: string[] = [];
    const { boot, recording } = given([
      definePlugin({ id: 'a', init: ({ onStop }) => onStop(() => void stopped.push('a')) }),
      definePlugin({
        id: 'b',
        after: ['a'],
        init: ({ onStop }) =>
          onStop(() => {
            stopped.push('b');
            throw new Error('cannot close');
          }),
      }),
      definePlugin({
        id: 'c',
        after: ['b'],
        init({ onStop }) {
          onStop(() => void stopped.push('c'));
          throw new Error('first cause');
        },
      }),
    ]);
    const error = await failureOf(boot.start());
    expect(error.message).toBe('c failed to start: first cause');
    expect(stopped).toEqual(['c', 'b', 'a']);
    expect(recording.of('boot.stopped')[0]?.errors.map(({ message }) => message)).toEqual([
      'b failed to stop: cannot close',
    ]);
    expect(error.report?.plugins.find(({ id }) => id === 'b')?.stop).toMatchObject({
      outcome: 'failed',
      error: { code: 'STOP_FAILED' },
    });
  });

  it('gives a plugin that hangs up after its time, and stops those below it all the same', async () => {
    const stopped: string[] = [];
    const { boot, recording } = given([
      definePlugin({ id: 'a', init: ({ onStop }) => onStop(() => void stopped.push('a')) }),
      definePlugin({
        id: 'hung',
        after: ['a'],
        timeouts: { stop: 20 },
        init({ onStop }) {
          onStop(() => void stopped.push('the handler behind the one that hangs'));
          onStop(() => new Promise<void>(() => {}));
        },
      }),
    ]);
    await boot.start();
    await boot.stop();
    expect(recording.outcomes('stop')).toEqual({ a: 'done', hung: 'timeout' });
    expect(stopped).toEqual(['the handler behind the one that hangs', 'a']);
    expect(recording.of('boot.stopped')[0]?.errors[0]).toMatchObject({ code: 'STOP_TIMEOUT' });
  });

  it('is over when stop.total is, whoever still hangs', async () => {
    const hang = definePlugin({
      id: 'a',
      init: ({ onStop }) => onStop(() => new Promise(() => {})),
    });
    const { boot, recording } = given([hang], { stop: { timeout: '1h', total: 30 } });
    await boot.start();
    await boot.stop();
    expect(recording.outcomes('stop')).toEqual({ a: 'timeout' });
  });

  it('calls a handler that comes too late at once', async () => {
    const late = deferred();
    const called = deferred();
    const { boot } = given([
      definePlugin({
        id: 'a',
        timeouts: { init: 10 },
        async init({ onStop }) {
          await late.promise;
          onStop(() => called.resolve());
        },
      }),
    ]);
    await failureOf(boot.start());
    late.resolve();
    await called.promise;
  });

  it('aborts the signal of each plugin when its turn comes', async () => {
    const seen: boolean[] = [];
    const { boot } = given([
      definePlugin({
        id: 'a',
        init({ signal, onStop }) {
          seen.push(signal.aborted);
          onStop(() => void seen.push(signal.aborted));
        },
      }),
    ]);
    await boot.start();
    await boot.stop();
    expect(seen).toEqual([false, true]);
  });
});

describe('stop()', () => {
  it('cancels the init that calls it, also one that ends at once', async () => {
    const { boot } = given([
      definePlugin({ id: 'quitter', init: () => void boot.stop('enough') }),
      definePlugin({ id: 'next', after: ['quitter'], init: () => undefined }),
    ]);
    await failureOf(boot.start());
    const [quitter, next] = boot.report().plugins;
    expect(quitter?.init.outcome).toBe('canceled');
    expect(next?.init.outcome).toBe('notReached');
  });

  it('before start() leaves nothing to start', async () => {
    const { boot } = given([{ id: 'a' }]);
    await boot.stop();
    expect(await failureOf(boot.start())).toMatchObject({ code: 'BOOT_ALREADY_RUN' });
    expect(boot.state().phase).toBe('stopped');
  });

  it('at the very first event ends the boot before anything is looked at', async () => {
    const { boot, recording } = given([{ id: 'a' }]);
    const down = eventOf(boot, 'boot.started');
    boot.once('boot.started', () => void boot.stop('at once'));
    expect(await failureOf(boot.start())).toMatchObject({ code: 'BOOT_CANCELED' });
    await down;
    expect(recording.lines('phase')).toEqual([]);
    expect(boot.state().phase).toBe('stopped');
  });

  it('twice, or ten times, is one way down', async () => {
    const { boot, recording } = given([{ id: 'a' }]);
    await boot.start();
    await Promise.all(Array.from({ length: 10 }, () => boot.stop()));
    await boot.stop();
    expect(recording.of('boot.stopped')).toHaveLength(1);
  });

  it.each([
    'phase.started',
    'plugin.discovered',
    'graph.sorted',
    'plugin.migrate.planned',
    'plugin.migrate.started',
    'plugin.migrate.applied',
    'plugin.init.started',
    'plugin.init.finished',
    'plugin.ready.started',
  ] as const)(
    'at %s resolves when all is down, and start() says that it was canceled',
    async (moment) => {
      const { url } = await db.fresh();
      const files = {
        '0000_a': 'CREATE TABLE a (id int);',
        '0001_b': 'CREATE TABLE b (id int);',
      };
      const [a, b] = [await migrationFolder(files), await migrationFolder(files)];
      const { boot, recording } = bootUnderTest({
        pool: url,
        plugins: [
          { id: 'a', migrations: a, init: () => {}, ready: () => {} },
          { id: 'b', migrations: b, after: ['a'] },
        ],
      });
      const down = eventOf(boot, moment).then(() => boot.stop(`at ${moment}`));
      const error = await failureOf(boot.start());
      expect(error).toMatchObject({ code: 'BOOT_CANCELED' });
      expect(error.message).toContain(`at ${moment}`);
      expect((await down).outcome).toBe('canceled');
      expect(recording.of('boot.finished')[0]?.outcome).toBe('canceled');
    },
  );

  it('cancels a running migration on the server, rolls it back, and leaves no session', async () => {
    const { url, query } = await db.fresh();
    const folder = await migrationFolder({
      '0000_long': 'CREATE TABLE never (id int);\n--> statement-breakpoint\nSELECT pg_sleep(600);',
    });
    const { boot, recording } = bootUnderTest({
      pool: url,
      plugins: [{ id: 'a', migrations: folder }],
    });
    const down = eventOf(boot, 'plugin.migrate.executed').then(() => boot.stop('SIGTERM'));
    expect((await failureOf(boot.start())).code).toBe('BOOT_CANCELED');
    await down;
    expect(recording.outcomes('migrate')).toEqual({ a: 'canceled' });
    expect((await query("SELECT to_regclass('plugin_a.never') AS found")).rows).toEqual([
      { found: null },
    ]);
  });

  it('gives a running init its grace, then goes on without it', async () => {
    const began = deferred();
    const { boot, recording } = given(
      [
        definePlugin({
          id: 'deaf',
          init() {
            began.resolve();
            return new Promise<void>(() => {});
          },
        }),
        definePlugin({
          id: 'polite',
          init: ({ signal }) =>
            new Promise<void>((resolve) => {
              signal.addEventListener('abort', () => resolve());
            }),
        }),
      ],
      { init: { grace: 20 } },
    );
    const started = boot.start();
    await began.promise;
    await boot.stop();
    expect((await failureOf(started)).code).toBe('BOOT_CANCELED');
    expect(recording.outcomes('init')).toEqual({ deaf: 'canceled', polite: 'canceled' });
    expect(recording.outcomes('stop')).toEqual({ deaf: 'done', polite: 'done' });
  });

  it('comes with the end of the scope', async () => {
    const boot = createBoot({ pool: db.pool(), plugins: [{ id: 'a' }] });
    {
      await using disposed = boot;
      await disposed.start();
    }
    expect(boot.state().phase).toBe('stopped');
  });

  it('ends a pool that Slipway made, and no other', async () => {
    const own = db.pool();
    const { boot } = given([{ id: 'a' }], { pool: own });
    await boot.start();
    await boot.stop();
    expect(own.ended).toBe(false);
    expect(own.listenerCount('error')).toBe(1);
  });
});
