import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createBoot } from 'slipway';
import type { Boot, BootOptions } from 'slipway';
import {
  controllablePlugin,
  createTemplateDatabase,
  manualClock,
  recordEvents,
  startFaultProxy,
  startPostgres,
} from 'slipway/testing';
import type { PostgresServer, TemplateDatabase, TestDatabase } from 'slipway/testing';
import { catalog, catalogApi, pricesApi } from './catalog.ts';

let postgres: PostgresServer;
let template: TemplateDatabase;
let database: TestDatabase;

/** The plugin that the catalog needs: one test decides when it starts, another one what it answers. */
const startPrices = () => {
  const prices = {
    known: new Map([
      ['welcome-gift', 0],
      ['lamp', 40],
      ['rope', 2.5],
    ]),
  };
  const plugin = controllablePlugin('prices', {
    provides: { pricesApi },
    exports: {
      pricesApi: {
        async priceOf(sku) {
          const price = prices.known.get(sku);
          if (price === undefined) throw new Error(`No price of ${sku}`);
          return price;
        },
      },
    },
  });
  return { ...plugin, ...prices };
};
let prices: ReturnType<typeof startPrices>;

const bootWith = (options: Partial<BootOptions> = {}): Boot =>
  createBoot({ pool: database.url, plugins: [catalog, prices.plugin], ...options });

before(async () => {
  postgres = await startPostgres({ from: 'local' });
  template = await createTemplateDatabase(postgres, async ({ url }) => {
    await createBoot({ pool: url, plugins: [catalog, startPrices().plugin] }).migrate();
  });
});

after(async () => {
  await template.drop();
  await postgres.stop();
});

beforeEach(async () => {
  prices = startPrices();
  database = await template.create();
});

test('items have the price of the moment in which they were added', async () => {
  await using boot = bootWith();
  await boot.start();
  const items = boot.services.get(catalogApi);
  await items.add('lamp');
  prices.known.set('lamp', 50);
  await items.add('rope');
  assert.equal(await items.total(), 42.5);
});

test('no plugin starts before all are migrated, and the catalog starts after the prices', async () => {
  await using boot = bootWith({ pool: postgres.url }); // the server's own database is still empty
  const recorder = recordEvents(boot);
  await boot.start();
  recorder.assertAllBefore('plugin.migrate.finished', 'plugin.init.started');
  recorder.assertOrder([
    'plugin.migrate.applied catalog',
    'plugin.init.finished prices',
    'plugin.init.started catalog',
    'boot.finished',
  ]);
});

test('the catalog waits for prices that take their time', async () => {
  prices.init.hold();
  await using boot = bootWith();
  const recorder = recordEvents(boot);
  const started = boot.start();
  await prices.init.called;
  recorder.assertNone('plugin.init.started catalog');
  prices.init.finish();
  await started;
});

test('a price list that is still empty is asked again after 30 seconds', async () => {
  const gift = 'welcome-gift';
  prices.known.delete(gift);
  const clock = manualClock();
  await using boot = bootWith({ clock });
  const recorder = recordEvents(boot);
  const started = boot.start();
  const { error } = await recorder.next('plugin.init.retrying catalog');
  assert.match(error.message, /No price of welcome-gift/);
  prices.known.set(gift, 0);
  await clock.advance('30s');
  assert.equal((await started).outcome, 'ready');
});

test('a broken connection costs one call, and the next one works', async () => {
  await using proxy = await startFaultProxy({ to: database });
  await using boot = bootWith({ pool: proxy.url });
  await boot.start();
  const items = boot.services.get(catalogApi);
  await items.add('lamp');
  proxy.blackHole();
  const lost = assert.rejects(items.total());
  proxy.reset();
  await lost;
  await proxy.restore();
  assert.equal(await items.total(), 40);
});
