import { describe, expect, it } from 'vitest';
import {
  collectionRef,
  definePlugin,
  provide,
  serviceRef,
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

function given(plugins: readonly Plugin[], services: readonly HostService[]): BootUnderTest {
  return bootUnderTest({ pool: db.pool(), plugins, services });
}

describe("a host's factory", () => {
  it('makes one service for a plugin and a boot: for every key, init, ready, a retry and getService', async () => {
    const made: string[] = [];
    const services = [
      provide(mailer, ({ plugin }) => {
        made.push(plugin);
        return { owner: plugin };
      }),
    ];
    const seen: Mailer[] = [];
    const billing = definePlugin({
      id: 'billing',
      deps: { one: mailer, other: mailer, maybe: mailer.optional() },
      retry: { attempts: 2, backoff: 0 },
      init({ one, other, maybe }) {
        seen.push(one, other);
        if (maybe) seen.push(maybe);
        if (seen.length === 3) throw new Error('the first attempt');
      },
      ready: ({ one }) => void seen.push(one),
    });
    const orders = backendPlugin('orders', (env) => {
      env.registerInit({
        deps: { mail: mailer },
        init: async ({ mail }) => expect(await env.getService(mailer)).toBe(mail),
      });
    });
    const { boot } = given([billing, orders], services);
    await boot.start();
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(new Set([{ owner: 'billing' }]));
    expect(boot.services.get(mailer)).toBe(boot.services.get(mailer.optional()));
    expect(made).toEqual(['billing', 'orders', 'host']);

    await given([billing], services).boot.start();
    expect(made).toEqual(['billing', 'orders', 'host', 'billing']);
  });

  it('is called for the plugins that depend on its service, and in a collection too', async () => {
    const made: string[] = [];
    const lists: unknown[] = [];
    const { boot } = given(
      [
        definePlugin({ id: 'idle' }),
        definePlugin({ id: 'speaks', provides: { words }, init: () => ({ words: 'own' }) }),
        definePlugin({
          id: 'reads',
          deps: { words, again: words },
          init: (context) => void lists.push(context.words, context.again),
        }),
      ],
      [
        provide(words, ({ plugin }) => {
          made.push(plugin);
          return `for ${plugin}`;
        }),
      ],
    );
    await boot.start();
    expect(made).toEqual(['reads']);
    expect(lists).toEqual([
      ['for reads', 'own'],
      ['for reads', 'own'],
    ]);
  });

  it('that throws fails the plugin, is named as the host’s, and is called again by the next attempt', async () => {
    let calls = 0;
    const factory = provide(mailer, () => {
      calls += 1;
      throw new Error('no key');
    });
    const plugin = definePlugin({
      id: 'billing',
      deps: { mail: mailer },
      retry: { attempts: 2, backoff: 0 },
      init: () => expect.unreachable(),
    });
    const error = await failureOf(given([plugin], [factory]).boot.start());
    expect(error).toMatchObject({
      code: 'INIT_FAILED',
      plugin: 'billing',
      phase: 'initAll',
      message: "billing failed to start: the host's factory for host.mailer threw: no key",
      cause: { message: 'no key' },
    });
    expect(calls).toBe(2);
  });

  it('is called again for an optional plugin that has failed and is added anew', async () => {
    const made: Mailer[] = [];
    const services = [
      provide(mailer, ({ plugin }) => {
        const service = { owner: `${plugin} ${made.length + 1}` };
        made.push(service);
        return service;
      }),
    ];
    const seen: Mailer[] = [];
    const flaky = definePlugin({
      id: 'flaky',
      required: false,
      deps: { mail: mailer },
      init({ mail }) {
        seen.push(mail);
        if (seen.length === 1) throw new Error('not yet');
      },
    });
    const { boot } = given([flaky], services);
    expect((await boot.start()).outcome).toBe('degraded');
    expect((await boot.add(flaky)).outcome).toBe('ready');
    expect(seen).toEqual([{ owner: 'flaky 1' }, { owner: 'flaky 2' }]);
  });

  it('that has failed once works when the next attempt succeeds', async () => {
    let calls = 0;
    const factory = provide(mailer, ({ plugin }) => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
      return { owner: plugin };
    });
    const retry = { attempts: 2, backoff: 0 };
    const plugin = definePlugin({ id: 'billing', deps: { mail: mailer }, retry });
    await given([plugin], [factory]).boot.start();
    expect(calls).toBe(2);
  });

  it.each([
    ['a promise', async () => ({ owner: 'x' })],
    ['a promise', () => Promise.reject(new Error('nobody hears it'))],
    ['undefined', () => undefined],
  ])('that returns %s is refused with what to do', async (what, factory) => {
    const plugin = definePlugin({ id: 'billing', deps: { mail: mailer } });
    const { boot } = given([plugin], [provide(mailer, factory as never)]);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({
      code: 'INIT_FAILED',
      message: `billing failed to start: the host's factory for host.mailer returned ${what}`,
    });
    expect(error.hint).toMatch(what === 'undefined' ? /optional/ : /createBoot/);
    expect(() => boot.services.get(mailer)).toThrow(
      `host.mailer is not up: the host's factory for host.mailer returned ${what}`,
    );
  });

  it('may return undefined to a plugin whose dependency is optional', async () => {
    const seen: unknown[] = [];
    const plugin = definePlugin({
      id: 'billing',
      deps: { mail: mailer.optional() },
      init: ({ mail }) => void seen.push(mail),
    });
    await given([plugin], [provide(mailer, (() => undefined) as never)]).boot.start();
    expect(seen).toEqual([undefined]);
  });
});

describe('a service of the host', () => {
  it.each([0, '', null, false])('may be %j', async (value) => {
    const ref = serviceRef<unknown>('host.value');
    const seen: unknown[] = [];
    const { boot } = given(
      [
        definePlugin({ id: 'a', deps: { ref }, init: (context) => void seen.push(context.ref) }),
        backendPlugin('b', (env) => {
          env.registerInit({
            deps: { ref },
            init: async (deps) => void seen.push(deps.ref, await env.getService(ref)),
          });
        }),
      ],
      [provide(ref, value)],
    );
    await boot.start();
    expect([...seen, boot.services.get(ref)]).toEqual([value, value, value, value]);
  });

  it.each([
    [undefined, 'undefined'],
    [Promise.resolve({ owner: 'x' }), 'a promise'],
  ])('cannot be %s', (value, got) => {
    expect(() => provide(mailer, value as never)).toThrow(
      `Expected the value of provide() for host.mailer to be the service itself, got ${got}`,
    );
  });

  it('cannot be read with the ref of another kind', async () => {
    const { boot } = given([], [provide(mailer, { owner: 'host' }), provide(words, 'host')]);
    await boot.start();
    expect(boot.services.get(collectionRef('host.mailer'))).toEqual([]);
    expect(() => boot.services.get(serviceRef('words'))).toThrow('words is not up');
  });
});
