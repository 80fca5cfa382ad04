import { AssertionError } from 'node:assert';
import { createBoot } from 'slipway';
import { controllablePlugin, recordEvents, type EventLine } from 'slipway/testing';
import { describe, expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

/** A boot of `auth` and `catalog`, in this order. */
function twoPlugins() {
  const auth = controllablePlugin('auth');
  const catalog = controllablePlugin('catalog', { after: ['auth'] });
  const boot = createBoot({ pool: db.pool(), plugins: [catalog.plugin, auth.plugin] });
  return { auth, catalog, boot };
}

/** Calls a function that must throw an AssertionError, and returns it. */
function failureOf(assertion: () => void): AssertionError {
  try {
    assertion();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
  throw new Error('The assertion did not fail');
}

describe('a recorder', () => {
  test('has every event, those from before it too, with its plugin or its phase', async () => {
    const { boot } = twoPlugins();
    await using _ = boot;
    const early = recordEvents(boot);
    await boot.start();
    const late = recordEvents(boot);
    expect(early.events).toEqual(boot.events);
    expect(late.events).toEqual(early.events);
    expect(early.lines('plugin.init')).toEqual([
      'plugin.init.started auth',
      'plugin.init.finished auth',
      'plugin.init.started catalog',
      'plugin.init.finished catalog',
    ]);
    expect(early.lines('phase.started')).toContain('phase.started migrateAll');
    expect(early.of('plugin.init.finished catalog')).toMatchObject([
      { plugin: 'catalog', outcome: 'done' },
    ]);
    expect(early.of('plugin.init.finished')).toHaveLength(2);
  });

  test('resolves at an event, before or after it has come, and returns none twice', async () => {
    const { boot, auth, catalog } = twoPlugins();
    await using _ = boot;
    const recorder = recordEvents(boot);
    auth.init.hold();
    const inOrder = [
      recorder.next('plugin.init.started'),
      recorder.next('plugin.init.started'),
      recorder.next('plugin.init.finished', ({ plugin }) => plugin === 'catalog'),
    ];
    const started = boot.start();
    await inOrder[0];
    recorder.assertNone('plugin.init.started catalog');
    auth.init.finish();
    await started;
    expect((await Promise.all(inOrder)).map((event) => 'plugin' in event && event.plugin)).toEqual([
      'auth',
      'catalog',
      'catalog',
    ]);
    expect(await recorder.next('plugin.init.finished')).toMatchObject({ plugin: 'auth' });
    expect(catalog.init.calls).toBe(1);
  });

  test('whose event does not come in time shows the state of the boot, and what came instead', async () => {
    const { boot, auth } = twoPlugins();
    await using _ = boot;
    auth.init.hold();
    const recorder = recordEvents(boot, { within: '50ms' });
    void boot.start().catch(() => undefined);
    await auth.init.called;
    await recorder.next('plugin.init.started');
    const error = await recorder.next('plugin.init.started').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AssertionError);
    const { message } = error as AssertionError;
    expect(message).toMatch(
      /^No plugin\.init\.started came within 50ms \(1 of that line had been returned before\)\.\nState of the boot: .*auth.*\n/,
    );
    expect(message).toMatch(/\n {2}> +\d+ {2}plugin\.init\.started auth\n/);
  });

  test('whose boot has stopped does not wait for the rest of its time', async () => {
    const { boot } = twoPlugins();
    const recorder = recordEvents(boot, { within: '10m' });
    const waiting = recorder.next('plugin.init.retrying');
    const failure = waiting.catch((error: unknown) => error);
    await boot.start();
    await boot.stop();
    expect(String(await failure)).toContain(
      'No plugin.init.retrying came before the boot stopped.',
    );
    await expect(recorder.next('plugin.init.started', () => false)).rejects.toThrow(
      'came before the boot stopped (2 did not match)',
    );
  });

  test('passes on what a match throws, to that call alone', async () => {
    const { boot } = twoPlugins();
    await using _ = boot;
    const recorder = recordEvents(boot);
    const broken = recorder.next('plugin.init.started', () => {
      throw new Error('a broken match');
    });
    const other = recorder.next('plugin.init.started');
    await Promise.all([boot.start(), expect(broken).rejects.toThrow('a broken match')]);
    expect(await other).toMatchObject({ plugin: 'auth' });
  });

  test('refuses a name that no event has, and names the one that is meant', async () => {
    const { boot } = twoPlugins();
    const recorder = recordEvents(boot);
    const line = 'plugin.init.startet auth' as EventLine;
    const advice = 'No event has the name plugin.init.startet. Did you mean plugin.init.started?';
    expect(() => recorder.of(line)).toThrow(advice);
    expect(() => recorder.assertNone(line)).toThrow(advice);
    expect(() => recorder.assertOrder([line])).toThrow(advice);
    expect(() => recorder.assertAllBefore('boot.started', line)).toThrow(advice);
    await expect(recorder.next(line)).rejects.toThrow(advice);
  });
});

describe('an assertion on order', () => {
  test('passes in the order of the events, and shows where another one breaks', async () => {
    const { boot } = twoPlugins();
    await using _ = boot;
    const recorder = recordEvents(boot);
    await boot.start();
    recorder.assertOrder([
      'phase.finished migrateAll',
      'plugin.init.started auth',
      'plugin.init.finished auth',
      'plugin.init.started',
      'boot.finished',
    ]);
    const { message, actual, expected } = failureOf(() =>
      recorder.assertOrder([
        'plugin.init.started catalog',
        'plugin.init.started auth',
        'boot.finished',
      ]),
    );
    const number = (line: string): number => recorder.lines().indexOf(line) + 1;
    expect(message).toMatch(
      new RegExp(
        `^Expected events in this order:
  ok  plugin\\.init\\.started catalog  event ${number('plugin.init.started catalog')}
  ->  plugin\\.init\\.started auth     came earlier, as event ${number('plugin.init.started auth')}
      boot\\.finished

The boot has emitted ${recorder.events.length} events:
        1  boot\\.started
`,
      ),
    );
    expect(message).toContain(
      `  > ${String(number('plugin.init.started auth')).padStart(5)}  plugin.init.started auth\n`,
    );
    // What a runner shows as the difference.
    expect(actual).toEqual([
      'plugin.init.started auth',
      'plugin.init.started catalog',
      'boot.finished',
    ]);
    expect(expected).toEqual([
      'plugin.init.started catalog',
      'plugin.init.started auth',
      'boot.finished',
    ]);
    expect(
      failureOf(() => recorder.assertOrder(['boot.started', 'plugin.init.retrying auth'])).message,
    ).toContain('  ->  plugin.init.retrying auth  did not come\n');
  });

  test('of all events of two lines fails at the first one that is too early, and when there are none', async () => {
    const { boot } = twoPlugins();
    await using _ = boot;
    const recorder = recordEvents(boot);
    await boot.start();
    recorder.assertAllBefore('plugin.init.finished', 'plugin.ready.started');
    const { message } = failureOf(() =>
      recorder.assertAllBefore('plugin.init.finished', 'plugin.init.started'),
    );
    expect(message).toMatch(
      /^Expected every plugin\.init\.finished before any plugin\.init\.started, but plugin\.init\.started auth \(event \d+\) came before plugin\.init\.finished catalog \(event \d+\)\./,
    );
    expect(
      failureOf(() => recorder.assertAllBefore('plugin.init.retrying', 'plugin.init.started'))
        .message,
    ).toMatch(/^No plugin\.init\.retrying came/);
  });

  test('that there is no such event fails with its place', async () => {
    const { boot } = twoPlugins();
    await using _ = boot;
    const recorder = recordEvents(boot);
    await boot.start();
    recorder.assertNone('boot.warning');
    expect(failureOf(() => recorder.assertNone('plugin.init.started catalog')).message).toMatch(
      /^Expected no plugin\.init\.started catalog, but plugin\.init\.started catalog \(event \d+\) came\./,
    );
  });

  test('of a large boot shows only the events that it is about, and the last ones', async () => {
    const plugins = Array.from({ length: 40 }, (_, at) => controllablePlugin(`p${at}`).plugin);
    await using boot = createBoot({ pool: db.pool(), plugins });
    const recorder = recordEvents(boot);
    await boot.start();
    const { message } = failureOf(() => recorder.assertNone('plugin.init.started p7'));
    expect(message).toMatch(/emitted \d+ events, \d+ of them not shown:/);
    expect(message.split('\n').length).toBeLessThan(20);
    expect(message).toContain('plugin.init.started p7\n');
  });
});

describe('a boot that gets further plugins', () => {
  test('has the events of one launch, so that its own order can be asserted', async () => {
    await using boot = createBoot({ pool: db.pool(), plugins: [{ id: 'first' }] });
    const all = recordEvents(boot);
    const second = recordEvents(boot, { launch: 2 });
    await boot.start();
    await boot.add({ id: 'second' });
    expect(() => all.assertAllBefore('plugin.migrate.finished', 'plugin.init.started')).toThrow(
      'before',
    );
    second.assertAllBefore('plugin.migrate.finished', 'plugin.init.started');
    expect(second.lines('plugin.init')).toEqual([
      'plugin.init.started second',
      'plugin.init.finished second',
    ]);
    expect(recordEvents(boot, { launch: 1 }).lines('plugin.init.started')).toEqual([
      'plugin.init.started first',
    ]);
  });
});
