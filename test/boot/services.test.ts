import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  collectionRef,
  coreServices,
  provide,
  serviceRef,
  type BootOptions,
  type HostService,
  type Plugin,
} from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { backendPlugin } from './checkstack-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

interface Mailer {
  readonly owner: string;
}
const mailer = serviceRef<Mailer>('host.mailer');
const words = collectionRef<string>('words');

function given(
  plugins: readonly Plugin[],
  services: readonly HostService[] = [],
  more: Partial<BootOptions> = {},
): BootUnderTest {
  return bootUnderTest({ pool: db.pool(), plugins, services, ...more });
}

describe('services that are provided twice, or as two things', () => {
  it('are refused all at once, by plan and start alike, and nothing has run', async () => {
    const plugins: readonly Plugin[] = [
      { id: 'a', provides: { mailer, one: serviceRef('a.api') }, init: () => expect.unreachable() },
      { id: 'b', provides: { log: coreServices.logger }, init: () => expect.unreachable() },
      { id: 'c', deps: { all: collectionRef('a.api') }, init: () => expect.unreachable() },
    ];
    const { boot, recording } = given(plugins, [
      provide(mailer, { owner: 'host' }),
      provide(words, 'one'),
      provide(words, 'two'),
      provide(serviceRef<string>('words'), 'three'),
      provide(serviceRef<string>('twice'), '1'),
      provide(serviceRef<string>('twice'), '2'),
      provide(coreServices.database, db.pool()),
    ]);
    const found = [
      'SERVICE_DUPLICATE: host.mailer is provided by the host and a',
      'SERVICE_DUPLICATE: twice is provided by the host, 2 times',
      'SERVICE_DUPLICATE: core.database is provided by slipway and the host',
      'SERVICE_DUPLICATE: core.logger is provided by slipway and b',
      'SERVICE_AMBIGUOUS: words is a service for the host, and a collection for the host',
      'SERVICE_AMBIGUOUS: a.api is a service for a, and a collection for c',
    ];
    const planned = await failureOf(boot.plan());
    const error = await failureOf(boot.start());
    expect([planned, error].map(({ code }) => code)).toEqual(['GRAPH_INVALID', 'GRAPH_INVALID']);
    for (const { problems = [] } of [planned, error]) {
      expect(problems.map(({ code, message }) => `${code}: ${message}`).toSorted()).toEqual(
        found.toSorted(),
      );
    }
    expect(recording.of('phase.started').map(({ phase }) => phase)).not.toContain('migrateAll');
  });

  it('are refused as well when one of them is registered in init without being listed', async () => {
    const late = (id: string, ref: typeof mailer, more = {}): Plugin =>
      backendPlugin(
        id,
        (env) => {
          env.registerInit({ init: () => env.registerService(ref, { owner: id }) });
        },
        more,
      );
    const own = serviceRef<Mailer>('own.mailer');
    const provider: Plugin = { id: 'own', provides: { own }, init: () => ({ own: { owner: '' } }) };
    const refused = async (plugins: readonly Plugin[]): Promise<readonly unknown[]> => {
      const { code, plugin, message } = await failureOf(
        given(plugins, [provide(mailer, { owner: 'host' })], {
          init: { concurrency: 1 },
        }).boot.start(),
      );
      return [code, plugin, message];
    };
    expect(await refused([late('late', mailer)])).toEqual([
      'SERVICE_DUPLICATE',
      'late',
      'host.mailer is provided by the host and late',
    ]);
    expect(await refused([late('late', coreServices.logger as never)])).toEqual([
      'SERVICE_DUPLICATE',
      'late',
      'core.logger is provided by slipway and late',
    ]);
    expect(await refused([provider, late('late', own)])).toEqual([
      'SERVICE_DUPLICATE',
      'late',
      'own.mailer is provided by own and late',
    ]);
    expect(await refused([late('late', own), provider])).toEqual([
      'SERVICE_DUPLICATE',
      'own',
      'own.mailer is provided by late and own',
    ]);
  });
});

describe('a service outside of the deps of a plugin', () => {
  const catalogApi = serviceRef<string>('catalog.api');
  const provider: Plugin = {
    id: 'catalog',
    provides: { catalogApi, words },
    init: () => ({ catalogApi: 'api', words: 'oar' }),
  };
  const mails: Plugin = { id: 'mails', deps: { mail: mailer } };
  const host = [provide(mailer, { owner: 'host' })];

  it('is neither in the context nor in its prototypes, and a key of another plugin is explained', async () => {
    const own = ['database', 'schema', 'tenants', 'logger', 'signal', 'onStop'];
    const keys: unknown[] = [];
    const read = (context: object, key: PropertyKey): unknown => Reflect.get(context, key);
    const plugin: Plugin = {
      id: 'orders',
      after: ['catalog'],
      deps: { words },
      provides: { done: serviceRef('orders.done') },
      init(context) {
        keys.push(Reflect.ownKeys(context));
        for (const key of ['mail', 'catalogApi', 'done']) {
          expect(() => read(context, key)).toThrow(
            `orders asked for ${key}, which is not in its deps`,
          );
          expect(key in context).toBe(false);
        }
        // What no plugin has declared is undefined: a console looks for href in every object.
        for (const key of ['host.mailer', 'services', 'then']) {
          expect(read(context, key)).toBeUndefined();
        }
        expect(Reflect.ownKeys(Object.getPrototypeOf(context) as object)).toEqual(
          Reflect.ownKeys(Object.prototype),
        );
        expect(inspect(context)).toContain("words: [ 'oar' ]");
        expect(Object.isFrozen(context['words'])).toBe(true);
        return { done: true };
      },
      ready(context) {
        keys.push(Reflect.ownKeys(context));
        expect(read(context, 'done')).toBe(true);
        expect(() => read(context, 'mail')).toThrow('orders asked for mail');
      },
    };
    await given([provider, mails, plugin], host).boot.start();
    expect(keys).toEqual([
      [...own, 'words'],
      [...own, 'words', 'done'],
    ]);
  });

  it('fails the plugin that takes it out of the context, with the name of what it asked for', async () => {
    const plugin: Plugin = { id: 'orders', init: ({ mail }) => void mail };
    expect(await failureOf(given([mails, plugin], host).boot.start())).toMatchObject({
      code: 'SERVICE_UNDECLARED',
      plugin: 'orders',
      phase: 'initAll',
      message: 'orders asked for mail, which is not in its deps',
      hint: 'Add its ref to deps, so that its provider starts first.',
    });
  });

  it('is not reached by what another plugin does to its deps after the boot has begun', async () => {
    const deps: Record<string, typeof mailer> = {};
    const keys: (readonly string[])[] = [];
    const victim: Plugin = {
      id: 'b',
      deps,
      init: (context) => void keys.push(Object.keys(context)),
    };
    const meddler: Plugin = { id: 'a', init: () => void (deps['mail'] = mailer) };
    await given([meddler, victim], host, { init: { concurrency: 1 } }).boot.start();
    expect(keys[0]).not.toContain('mail');
  });

  it('is refused to a plugin in Checkstack’s form, also after it is up', async () => {
    const asked: unknown[] = [];
    const own = serviceRef<string>('orders.api');
    const orders = backendPlugin('orders', (env) => {
      env.registerService(own, 'own');
      // Before registerInit, and answered once the deps are known.
      const early = env.getService(mailer);
      env.registerInit({
        deps: { mail: mailer },
        async init(deps) {
          expect(await early).toBe(deps.mail);
          expect(Object.keys(deps)).toEqual(['mail']);
          expect(Object.keys(env)).not.toContain('coreServices');
          expect(await env.getService(coreServices.logger)).toHaveProperty('info');
          asked.push(await failureOf(env.getService(catalogApi)));
        },
        async afterPluginsReady() {
          expect(await env.getService(own)).toBe('own');
          asked.push(await failureOf(env.getService(catalogApi)));
        },
      });
    });
    const { boot } = given([provider, orders], host);
    await boot.start();
    const refusal = {
      code: 'SERVICE_UNDECLARED',
      message: 'orders asked for catalog.api, which is not in its deps',
    };
    expect(asked).toMatchObject([refusal, refusal]);
    expect(boot.services.get(catalogApi)).toBe('api');
  });
});
