import { createBoot, definePlugin } from 'slipway';
import { createBackendPlugin } from 'slipway/checkstack';
import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { channelPoint, ticketsRef } from './contracts.ts';
import { tickets } from './tickets.ts';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres({ from: 'local' }); // new and empty, whatever DATABASE_URL says
}, 60_000);

afterAll(() => postgres.stop());

test('plugins of both forms add channels, and a ticket is announced once', async () => {
  const announced: string[] = [];
  const channel = (name: string) => ({
    name,
    announce: async (title: string) => void announced.push(`${name}: ${title}`),
  });
  const slack = createBackendPlugin({
    metadata: { pluginId: 'slack' },
    register: (env) => env.getExtensionPoint(channelPoint).addChannel(channel('slack')),
  });
  const mail = definePlugin({
    id: 'mail',
    provides: { channels: channelPoint },
    init: () => ({ channels: (point) => point.addChannel(channel('mail')) }),
  });

  await using boot = createBoot({ pool: postgres.url, plugins: [mail, tickets, slack] });
  await boot.start();
  const api = boot.services.get(ticketsRef);
  const ids = await Promise.all([api.open('fire'), api.open('fire')]);
  expect(ids).toEqual([1, 1]);
  expect(announced.toSorted()).toEqual(['mail: fire', 'slack: fire']);
});
