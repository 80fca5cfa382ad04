import { describe, expect, it } from 'vitest';
import {
  collectionRef,
  definePlugin,
  serviceRef,
  type BootOptions,
  type Plugin,
} from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const authApi = serviceRef<{ readonly name: string }>('auth.api');
const pages = collectionRef<string>('web.pages');

function given(plugins: readonly Plugin[], options: Partial<BootOptions> = {}): BootUnderTest {
  return bootUnderTest({ pool: db.pool(), plugins, ...options });
}

const auth = (stopped: string[] = []): Plugin =>
  definePlugin({
    id: 'auth',
    provides: { authApi, pages },
    init({ onStop }) {
      onStop(() => void stopped.push('auth'));
      return { authApi: { name: 'auth' }, pages: 'login' };
    },
  });

describe('add()', () => {
  it('leaves the order of the stops as it is, also where a plugin was lost on the way up', async () => {
    const folder = await migrationFolder({ '0000_a': 'SELECT 1 / 0;' });
    const lost = { id: 'lost', required: false, after: ['auth'] };
    const { boot, recording } = given([
      auth(),
      { ...lost, migrations: folder },
      { ...lost, id: 'broken', init: () => Promise.reject(new Error('no key')) },
    ]);
    await boot.start();
    await boot.add({ id: 'reviews', after: ['auth'] });
    await boot.stop();
    expect(recording.lines('plugin.stop.started')).toEqual([
      'plugin.stop.started reviews',
      'plugin.stop.started auth',
    ]);
    recording.check();
  });

  it('migrates and starts a plugin while the others serve, and gives it what is up', async () => {
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE reviews (stars int);' });
    const seen: unknown[] = [];
    const { boot, recording } = given([auth()]);
    await boot.start();
    const report = await boot.add(
      definePlugin({
        id: 'reviews',
        migrations: folder,
        deps: { authApi, pages },
        async init({ authApi: api, pages: all, database }) {
          const { rows } = await database.query<{ n: number }>(
            'SELECT count(*)::int AS n FROM reviews',
          );
          seen.push(api.name, all, rows);
        },
        ready: () => void seen.push('ready'),
      }),
    );
    expect(seen).toEqual(['auth', ['login'], [{ n: 0 }], 'ready']);
    expect(report).toMatchObject({ launch: 2, outcome: 'ready' });
    expect(report.plugins).toMatchObject([{ id: 'reviews', applied: ['0000_a.sql'] }]);
    expect(boot.state()).toMatchObject({ phase: 'ready', outcome: 'ready' });
    expect(boot.state().plugins['reviews']).toMatchObject({ ready: 'done', stop: 'pending' });
    expect(boot.state().launch).toBeUndefined();
    expect(boot.report().launches).toMatchObject([{ launch: 2, outcome: 'ready' }]);
    expect(boot.report().plugins.map(({ id }) => id)).toEqual(['auth']);
    await boot.database('reviews').query('INSERT INTO reviews VALUES (5)');
    expect(recording.lines('launch')).toEqual(['launch.started', 'launch.finished']);
    expect(recording.lines('plugin.init')).toEqual([
      'plugin.init.started auth',
      'plugin.init.finished auth',
      'plugin.init.started reviews',
      'plugin.init.finished reviews',
    ]);
    const ofLaunch = recording.events.filter(({ launch }) => launch === 2);
    expect(new Set(ofLaunch.flatMap((each) => ('plugin' in each ? each.plugin : [])))).toEqual(
      new Set(['reviews']),
    );
  });

  it('no init of a launch begins before every migration of that launch has settled', async () => {
    const lock = deferred();
    const slow = await migrationFolder({ '0000_a': 'SELECT 1;' });
    const { boot, recording } = given([auth()]);
    await boot.start();
    const adding = boot.add([
      definePlugin({ id: 'fast', migrations: [{ name: 'a', run: async () => {} }] }),
      definePlugin({ id: 'slow', migrations: [{ name: 'a', run: () => lock.promise }] }),
      definePlugin({ id: 'none', migrations: slow }),
    ]);
    await new Promise<void>((resolve) => {
      boot.on('plugin.migrate.finished', ({ plugin }) => plugin === 'fast' && resolve());
    });
    expect(boot.state().launch).toMatchObject({ launch: 2, phase: 'migrateAll' });
    expect(() => boot.database('fast')).toThrow('is not there');
    lock.resolve();
    await adding;
    const lines = recording.lines().slice(recording.lines().indexOf('launch.started'));
    const firstInit = lines.findIndex((line) => line.startsWith('plugin.init.started'));
    const lastMigrate = lines.findLastIndex((line) => line.startsWith('plugin.migrate.finished'));
    expect(firstInit).toBeGreaterThan(lastMigrate);
  });

  it('stops again what a failed addition has started, and everything else serves as before', async () => {
    const stopped: string[] = [];
    const api = serviceRef<number>('first.api');
    const { boot, recording } = given([auth(stopped)]);
    await boot.start();
    const error = await failureOf(
      boot.add([
        definePlugin({
          id: 'first',
          provides: { api, pages },
          init({ onStop, signal }) {
            onStop(() => void stopped.push(`first: ${String(signal.reason)}`));
            return { api: 1, pages: 'first' };
          },
        }),
        definePlugin({
          id: 'second',
          deps: { api },
          init() {
            throw new Error('no light');
          },
        }),
      ]),
    );
    expect(error).toMatchObject({ code: 'INIT_FAILED', plugin: 'second' });
    expect(error.report).toMatchObject({ launch: 2, outcome: 'failed' });
    expect(stopped).toEqual(['first: Error: its launch has failed']);
    expect(boot.services.get(authApi).name).toBe('auth');
    expect(boot.services.get(pages)).toEqual(['login']);
    expect(() => boot.services.get(api)).toThrow('is not up');
    expect(boot.state().phase).toBe('ready');
    // The same ids can be added again.
    await boot.add(definePlugin({ id: 'second' }));
    await boot.stop();
    expect(stopped).toEqual(['first: Error: its launch has failed', 'auth']);
    expect(recording.of('launch.finished').map(({ outcome }) => outcome)).toEqual([
      'failed',
      'ready',
    ]);
  });

  it('takes one launch after the other, in the order of the calls', async () => {
    const { boot, recording } = given([auth()]);
    await boot.start();
    const gate = deferred();
    const adding = ['one', 'two', 'three'].map((id) =>
      boot.add(definePlugin({ id, init: () => gate.promise })),
    );
    gate.resolve();
    const reports = await Promise.all(adding);
    expect(reports.map(({ launch }) => launch)).toEqual([2, 3, 4]);
    expect(recording.of('launch.started').map(({ plugins }) => plugins)).toEqual([
      ['one'],
      ['two'],
      ['three'],
    ]);
    expect(recording.lines('launch').join()).toBe(
      Array.from({ length: 3 }, () => 'launch.started,launch.finished').join(),
    );
  });

  it('refuses an id that is up, a missing service and a second provider, all at once, and changes nothing', async () => {
    const { boot } = given([auth(), { id: 'audit' }]);
    await boot.start();
    const error = await failureOf(
      boot.add([
        definePlugin({ id: 'audit' }),
        definePlugin({ id: 'other', deps: { absent: serviceRef('absent') } }),
        definePlugin({
          id: 'rival',
          provides: { authApi },
          init: () => ({ authApi: { name: '' } }),
        }),
      ]),
    );
    expect(error.code).toBe('GRAPH_INVALID');
    expect(error.problems?.map(({ code }) => code).toSorted()).toEqual([
      'PLUGIN_DUPLICATE',
      'SERVICE_DUPLICATE',
      'SERVICE_MISSING',
    ]);
    expect(boot.services.get(authApi).name).toBe('auth');
    expect(boot.state().plugins['auth']).toMatchObject({ init: 'done', stop: 'pending' });
  });

  it('plugins that are up do not change: neither their collections nor their optional services', async () => {
    let given1: readonly string[] = [];
    const extra = serviceRef<string>('extra.api');
    let optional: string | undefined = 'nothing yet';
    const { boot } = given([
      definePlugin({
        id: 'web',
        deps: { pages, extra: extra.optional() },
        init(context) {
          given1 = context.pages;
          optional = context.extra;
        },
      }),
    ]);
    await boot.start();
    await boot.add(
      definePlugin({
        id: 'late',
        provides: { pages, extra },
        init: () => ({ pages: 'late', extra: 'late' }),
      }),
    );
    expect(given1).toEqual([]);
    expect(optional).toBeUndefined();
    expect(boot.services.get(pages)).toEqual(['late']);
    expect(boot.services.get(extra)).toBe('late');
  });

  it('an added plugin may need one that would have used it', async () => {
    const extra = serviceRef<string>('extra.api');
    const { boot } = given([{ ...auth(), deps: { extra: extra.optional() }, after: ['late'] }]);
    await boot.start();
    const report = await boot.add(
      definePlugin({
        id: 'late',
        deps: { authApi },
        provides: { extra },
        init: ({ authApi: api }) => ({ extra: `late knows ${api.name}` }),
      }),
    );
    expect(report).toMatchObject({ outcome: 'ready', warnings: [] });
    expect(boot.services.get(extra)).toBe('late knows auth');
  });

  it('an optional plugin that failed at boot can be added again', async () => {
    let fails = true;
    const flaky = definePlugin({
      id: 'flaky',
      required: false,
      init() {
        if (fails) throw new Error('not yet');
      },
    });
    const { boot } = given([auth(), flaky]);
    expect((await boot.start()).outcome).toBe('degraded');
    fails = false;
    expect((await boot.add(flaky)).outcome).toBe('ready');
    expect(boot.state().plugins['flaky']).toMatchObject({ init: 'done', ready: 'done' });
  });

  it('stop() during an addition cancels it, and stops all that had started in their order', async () => {
    const stopped: string[] = [];
    const { boot, recording } = given([auth(stopped)]);
    await boot.start();
    const begun = deferred();
    const adding = failureOf(
      boot.add([
        definePlugin({
          id: 'early',
          deps: { authApi },
          init: ({ onStop }) => onStop(() => void stopped.push('early')),
        }),
        definePlugin({
          id: 'hangs',
          after: ['early'],
          init: ({ signal }) =>
            new Promise<void>((_, reject) => {
              begun.resolve();
              signal.addEventListener('abort', () => reject(signal.reason as Error));
            }),
        }),
      ]),
    );
    const queued = failureOf(boot.add(definePlugin({ id: 'queued' })));
    await begun.promise;
    await boot.stop();
    expect((await adding).code).toBe('BOOT_CANCELED');
    expect((await queued).code).toBe('BOOT_CANCELED');
    expect(stopped).toEqual(['early', 'auth']);
    expect(recording.of('launch.started').length).toBe(1);
    expect(recording.of('launch.finished').map(({ outcome }) => outcome)).toEqual([
      'canceled',
      'canceled',
    ]);
    expect((await failureOf(boot.add(definePlugin({ id: 'too-late' })))).code).toBe('BOOT_NOT_UP');
  });

  it('a boot that waits for its open requests before it stops begins no change that waits', async () => {
    const { boot, recording } = given([auth(), { id: 'audit' }]);
    await boot.start();
    const open = deferred();
    boot.beforeStop(() => open.promise);
    const gate = deferred();
    const running = boot.add(definePlugin({ id: 'running', init: () => gate.promise }));
    const waiting = [failureOf(boot.add({ id: 'waiting' })), failureOf(boot.remove('audit'))];
    const stopped = boot.stop();
    for (const failure of waiting) expect((await failure).code).toBe('BOOT_CANCELED');
    gate.resolve();
    expect((await running).outcome).toBe('ready');
    open.resolve();
    await stopped;
    expect(recording.of('launch.started').map(({ plugins }) => plugins)).toEqual([['running']]);
    expect(recording.lines('removal')).toEqual(['removal.finished audit']);
  });

  it('waits while the boot starts, and refuses before it', async () => {
    const { boot } = given([auth()]);
    expect((await failureOf(boot.add(definePlugin({ id: 'x' })))).code).toBe('BOOT_NOT_UP');
    const started = boot.start();
    const added = boot.add(definePlugin({ id: 'x', deps: { authApi } }));
    await started;
    expect((await added).outcome).toBe('ready');
  });

  it('refuses what is no plugin', async () => {
    const { boot } = given([auth()]);
    await boot.start();
    for (const wrong of [undefined, null, 5, 'x', {}, [], [{}]]) {
      const { code } = await failureOf(boot.add(wrong as never));
      expect(['OPTIONS_INVALID', 'PLUGIN_INVALID']).toContain(code);
    }
  });
});
