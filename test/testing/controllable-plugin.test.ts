import { createBoot, serviceRef } from 'slipway';
import { controllablePlugin, manualClock, recordEvents } from 'slipway/testing';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { failureOf } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

interface Greeter {
  greet(): string;
}
const greeterApi = serviceRef<Greeter>('greeter.api');

const db = useDatabase();

describe('a controllable plugin', () => {
  test('goes through at once, with its exports, and counts its calls', async () => {
    const greeter = controllablePlugin('greeter', {
      provides: { greeterApi },
      exports: { greeterApi: { greet: () => 'ahoy' } },
    });
    const guest = controllablePlugin('guest', { deps: { greeter: greeterApi } });
    const boot = createBoot({ pool: db.pool(), plugins: [guest.plugin, greeter.plugin] });
    await boot.start();
    const context = await guest.init.called;
    expectTypeOf(context.greeter).toEqualTypeOf<Greeter>();
    expect(context.greeter.greet()).toBe('ahoy');
    expect((await greeter.ready.called).greeterApi.greet()).toBe('ahoy');
    expect([guest.init.calls, guest.ready.calls, guest.stop.calls]).toEqual([1, 1, 0]);
    await boot.stop();
    expect(guest.stop.calls).toBe(1);
  });

  test('holds each of its steps until the test ends it', async () => {
    const greeter = controllablePlugin('greeter', { provides: { greeterApi } });
    const guest = controllablePlugin('guest', { deps: { greeter: greeterApi } });
    for (const step of [greeter.init, greeter.ready, greeter.stop]) step.hold();
    const boot = createBoot({ pool: db.pool(), plugins: [greeter.plugin, guest.plugin] });
    const recorder = recordEvents(boot);
    const started = boot.start();
    await greeter.init.called;
    expect(guest.init.calls).toBe(0);
    greeter.init.finish({ greeterApi: { greet: () => 'from the test' } });
    expect((await guest.init.called).greeter.greet()).toBe('from the test');
    await greeter.ready.called;
    recorder.assertNone('plugin.ready.finished greeter');
    greeter.ready.finish();
    await started;
    const stopped = boot.stop();
    await greeter.stop.called;
    recorder.assertNone('boot.stopped');
    greeter.stop.finish();
    await stopped;
    recorder.assertOrder(['plugin.stop.finished guest', 'plugin.stop.started greeter']);
  });

  test('forces any order of inits that do not depend on each other', async () => {
    const plugins = ['a', 'b', 'c'].map((id) => controllablePlugin(id));
    for (const { init } of plugins) init.hold();
    await using boot = createBoot({
      pool: db.pool(),
      plugins: plugins.map(({ plugin }) => plugin),
    });
    const recorder = recordEvents(boot);
    const started = boot.start();
    await Promise.all(plugins.map(({ init }) => init.called));
    for (const { init, plugin } of plugins.toReversed()) {
      init.finish();
      await recorder.next(`plugin.init.finished ${plugin.id}`);
    }
    await started;
    expect(recorder.lines('plugin.init.finished')).toEqual([
      'plugin.init.finished c',
      'plugin.init.finished b',
      'plugin.init.finished a',
    ]);
  });

  test('fails as the test says, in advance too, and a later attempt goes through', async () => {
    const clock = manualClock();
    const shaky = controllablePlugin('shaky', { retry: { attempts: 3, backoff: '10m' } });
    shaky.init.fail(new Error('the first attempt'));
    await using boot = createBoot({ pool: db.pool(), plugins: [shaky.plugin], clock });
    const recorder = recordEvents(boot);
    const started = boot.start();
    const { error } = await recorder.next('plugin.init.retrying');
    expect(error.message).toContain('the first attempt');
    shaky.init.hold();
    await clock.advance('10m');
    await shaky.init.nthCall(2);
    shaky.init.fail(new Error('the second attempt'));
    await recorder.next('plugin.init.retrying');
    shaky.init.release();
    await clock.advance('20m');
    await started;
    expect(shaky.init.calls).toBe(3);
    // An attempt that fails leaves no stop handler behind.
    await boot.stop();
    expect(shaky.stop.calls).toBe(1);
  });

  test('that is held ends when the boot asks it to, so that a test which fails still ends', async () => {
    const stuck = controllablePlugin('stuck');
    stuck.init.hold();
    // The time stands still: a boot that waited for its grace would wait for ever.
    const boot = createBoot({ pool: db.pool(), plugins: [stuck.plugin], clock: manualClock() });
    const failure = failureOf(boot.start());
    await stuck.init.called;
    await boot.stop();
    expect((await failure).code).toBe('BOOT_CANCELED');
  });

  test('ignores that it is asked, when it is to, and only time ends the waiting', async () => {
    const clock = manualClock();
    const deaf = controllablePlugin('deaf');
    deaf.init.hold({ ignoreSignal: true });
    const boot = createBoot({ pool: db.pool(), plugins: [deaf.plugin], clock });
    const recorder = recordEvents(boot);
    const failure = failureOf(boot.start());
    const { signal } = await deaf.init.called;
    const stopped = boot.stop();
    await clock.advance(1);
    expect(signal.aborted).toBe(true);
    recorder.assertNone('plugin.init.finished');
    await clock.advance('10m');
    await stopped;
    expect((await failure).code).toBe('BOOT_CANCELED');
  });

  test('refuses the number of a call that cannot be', () => {
    expect(() => controllablePlugin('a').init.nthCall(0)).toThrow('an integer from 1, got 0');
  });
});
