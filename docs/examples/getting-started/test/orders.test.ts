import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoot } from 'slipway';
import { recordEvents, startPostgres } from 'slipway/testing';
import { catalog } from '../src/catalog.ts';
import { orders, ordersApi } from '../src/orders.ts';

test('an order has the price of the catalog', async () => {
  await using postgres = await startPostgres();
  await using boot = createBoot({ pool: postgres.url, plugins: [orders, catalog] });
  const events = recordEvents(boot);
  await boot.start();

  const order = await boot.services.get(ordersApi).place('lamp');
  assert.equal(order?.price, 40);
  events.assertOrder(['plugin.migrate.finished orders', 'plugin.init.started catalog']);
  await boot.stop();
});
