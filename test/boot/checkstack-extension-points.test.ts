import { describe, expect, it } from 'vitest';
import { definePlugin, type Plugin } from '../../src/index.ts';
import { createExtensionPoint } from '../../src/checkstack.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import {
  backendPlugin,
  channelPoint,
  keepWarnings,
  notificationsRef,
  type Channel,
  type ChannelPoint,
} from './checkstack-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('an extension point', () => {
  const owner = (seen: string[]): Plugin =>
    backendPlugin('owner', (env) => {
      env.registerExtensionPoint(channelPoint, {
        addChannel: ({ id }, from) => seen.push(`${from}.${id}`),
      });
      env.registerInit({ init: () => void seen.push('init') });
    });
  const silent = (id: string): Channel => ({ id, deliver: () => {} });

  it('answers calls with what the owner returns once it is registered, and with undefined before', async () => {
    const seen: string[] = [];
    const answers: unknown[] = [];
    const contributor = (id: string): Plugin =>
      backendPlugin(id, (env) => {
        const { addChannel } = env.getExtensionPoint(channelPoint);
        answers.push(addChannel(silent('x'), id));
        env.registerInit({ init: () => void answers.push(addChannel(silent('y'), id)) });
      });
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [contributor('before'), owner(seen), contributor('after')],
      init: { concurrency: 1 },
    });
    await boot.start();
    expect(answers).toEqual([undefined, 2, 3, 4]);
    expect(seen).toEqual(['before.x', 'after.x', 'before.y', 'after.y', 'init']);
  });

  it('that is got in init orders nobody, warns, and still gets what is added', async () => {
    const { logger, warnings } = keepWarnings();
    const seen: string[] = [];
    const late = backendPlugin('late', (env) => {
      env.registerInit({
        init: async () => {
          const point = env.getExtensionPoint(channelPoint);
          point.addChannel(silent('x'), 'late');
          env.getExtensionPoint(channelPoint).addChannel(silent('y'), 'late');
        },
      });
    });
    const { boot } = bootUnderTest({
      pool: db.pool(),
      logger,
      plugins: [owner(seen), late],
      init: { concurrency: 1 },
    });
    expect((await boot.plan()).edges).toEqual([]);
    await boot.start();
    expect(seen).toEqual(['init', 'late.x', 'late.y']);
    expect(warnings).toEqual([
      'late: notifications.channels was first requested in init, so its owner may start before it has every contribution: call getExtensionPoint() in register()',
    ]);
  });

  it('may be used by its own owner, and by nobody at all', async () => {
    const seen: string[] = [];
    const both = backendPlugin('both', (env) => {
      env.getExtensionPoint(channelPoint).addChannel(silent('own'), 'both');
      env.registerExtensionPoint(channelPoint, { addChannel: ({ id }) => seen.push(id) });
    });
    const lonely = backendPlugin('lonely', (env) => {
      const point = env.getExtensionPoint(createExtensionPoint<ChannelPoint>('of.nobody'));
      point.addChannel(silent('x'), 'lonely');
    });
    await bootUnderTest({ pool: db.pool(), plugins: [both, lonely] }).boot.start();
    expect(seen).toEqual(['own']);
  });

  it('of a plugin in the other form gets its contributions as a list of functions', async () => {
    const seen: string[] = [];
    const point: ChannelPoint = { addChannel: ({ id }, from) => seen.push(`${from}.${id}`) };
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        definePlugin({
          id: 'owner',
          deps: { channels: channelPoint },
          init: ({ channels }) => channels.forEach((contribute) => contribute(point)),
        }),
        backendPlugin('a', (env) => {
          const channels = env.getExtensionPoint(channelPoint);
          channels.addChannel(silent('x'), 'a');
          env.registerInit({ afterPluginsReady: () => void channels.addChannel(silent('y'), 'a') });
        }),
      ],
    });
    await boot.start();
    expect(seen).toEqual(['a.x', 'a.y']);
  });

  it('can be awaited and returned without taking that for a call', async () => {
    const seen: string[] = [];
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        backendPlugin('a', (env) => {
          const point = Promise.resolve(env.getExtensionPoint(channelPoint));
          env.registerInit({
            init: async () => void (await point).addChannel(silent('x'), 'a'),
          });
        }),
        owner(seen),
      ],
    });
    await boot.start();
    expect(seen).toEqual(['a.x', 'init']);
  });

  it('that is registered by two plugins names both', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        owner([]),
        backendPlugin('second', (env) => {
          env.registerExtensionPoint(channelPoint, { addChannel: () => 0 });
        }),
      ],
    });
    const error = await failureOf(boot.start());
    expect(error.message).toBe(
      'second registers the extension point notifications.channels, which owner owns',
    );
  });

  it('names the contributor when what it added before is refused', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        backendPlugin('a', (env) => {
          env.getExtensionPoint(channelPoint).addChannel(silent('x'), 'a');
        }),
        backendPlugin('owner', (env) => {
          env.registerExtensionPoint(channelPoint, {
            addChannel: () => {
              throw new Error('no room');
            },
          });
        }),
      ],
    });
    expect(await failureOf(boot.start())).toMatchObject({
      code: 'PLUGIN_INVALID',
      plugin: 'a',
      message: 'a called addChannel() of the extension point notifications.channels: no room',
    });
  });

  it('whose owner needs a contributor, which needs the owner, is a cycle with its reasons', async () => {
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        backendPlugin('owner', (env) => {
          env.registerExtensionPoint(channelPoint, { addChannel: () => 0 });
          env.registerService(notificationsRef, { send: async () => {} });
        }),
        backendPlugin('slack', (env) => {
          env.getExtensionPoint(channelPoint);
          env.registerInit({ deps: { api: notificationsRef } });
        }),
      ],
    });
    const error = await failureOf(boot.start());
    expect(error.problems?.map(({ message }) => message)).toEqual([
      expect.stringContaining('owner collects notifications.channels from slack'),
    ]);
  });
});
