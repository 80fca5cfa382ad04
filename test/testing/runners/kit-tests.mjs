import assert from 'node:assert/strict';
import { createBoot } from 'slipway';
import {
  assertReplicasSafe,
  assertUpgradeSafe,
  controllablePlugin,
  createTemplateDatabase,
  manualClock,
  recordEvents,
  startFaultProxy,
} from 'slipway/testing';

/**
 * Uses every tool of the kit, and nothing of a runner but these three functions.
 *
 * @param runner `test`, and the functions that the runner calls before and after all tests.
 */
export function testTheKit({ test, before, after }) {
  let template;
  before(async () => {
    template = await createTemplateDatabase(process.env.KIT_SERVER_URL, async ({ url }) => {
      await createBoot({ pool: url, plugins: [makeBoats().plugin] }).migrate();
    });
  });
  after(() => template.drop());

  const makeBoats = (options = {}) =>
    controllablePlugin('boats', {
      migrations: [
        { name: '0001', run: (client) => client.query('create table boats (name text)') },
      ],
      ...options,
    });

  test('a boot waits for a plugin that is held, on a copy of the template', async () => {
    const database = await template.create();
    const boats = makeBoats();
    boats.init.hold();
    const boot = createBoot({ pool: database.pool(), plugins: [boats.plugin] });
    const recorder = recordEvents(boot);
    const started = boot.start();
    await boats.init.called;
    recorder.assertNone('plugin.init.finished');
    boats.init.finish();
    await started;
    recorder.assertAllBefore('plugin.migrate.finished', 'plugin.init.started');
    recorder.assertNone('plugin.migrate.applied');
    await boot.stop();
  });

  test('the clock ends a pause', async () => {
    const database = await template.create();
    const clock = manualClock();
    const boats = makeBoats({ retry: { attempts: 2, backoff: '1h' } });
    boats.init.fail(new Error('not yet'));
    const boot = createBoot({ pool: database.url, plugins: [boats.plugin], clock });
    const recorder = recordEvents(boot);
    const started = boot.start();
    await recorder.next('plugin.init.retrying boats');
    await clock.advance('1h');
    await started;
    assert.equal(boats.init.calls, 2);
    await boot.stop();
  });

  test('the proxy refuses', async () => {
    const database = await template.create();
    const proxy = await startFaultProxy({ to: database });
    proxy.refuse();
    const boot = createBoot({
      pool: proxy.url,
      plugins: [makeBoats().plugin],
      connect: { wait: 0 },
    });
    await assert.rejects(boot.start(), { code: 'DATABASE_UNREACHABLE' });
    await proxy.close();
  });

  test('an upgrade is safe, and replicas are not', async () => {
    const server = process.env.KIT_SERVER_URL;
    const plugins = [makeBoats().plugin];
    await assertUpgradeSafe({ from: plugins, to: plugins, server });
    const boats = { ...makeBoats().plugin };
    boats.init = ({ database }) => database.query("insert into boats values ('ark')");
    const unsafe = assertReplicasSafe({ plugins: [boats], server, replicas: 2, kills: 0 });
    await assert.rejects(unsafe, {
      name: 'AssertionError',
      message: /boats\.boats: 2 rows, a single boot leaves 1/,
    });
  });

  // Another test looks at what the runner prints.
  if (process.env.KIT_FAILS) {
    test('an assertion that fails is shown with both orders', async () => {
      const database = await template.create();
      const boot = createBoot({ pool: database.url, plugins: [makeBoats().plugin] });
      const recorder = recordEvents(boot);
      await boot.start();
      await boot.stop();
      recorder.assertOrder(['plugin.init.started boats', 'plugin.migrate.finished boats']);
    });
  }
}
