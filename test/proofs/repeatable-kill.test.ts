import { expect, test, vi } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { readCatalog } from '../support/catalog.ts';
import { useDatabase } from '../support/database.ts';
import { killBoots, listPlaces } from '../support/killed-boots.ts';
import { startTurnstile, type StopPlace } from '../support/turnstile.ts';
import type { Shop } from '../boot/repeatable-fixture.ts';
import { makeCountingShop, setRound } from './counting-shop.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

test('a process that is killed before or after any message of a changed repeatable file leaves nothing that the next boot does not heal', async () => {
  const fresh = await db.fresh();
  const boot = async (url: string, shops: readonly Shop[]): Promise<void> => {
    const { boot: one } = bootUnderTest({ pool: url, plugins: shops.map(({ plugin }) => plugin) });
    await one.start();
    await one.stop();
  };
  const whole = await makeCountingShop('whole');
  await boot(fresh.url, [whole]);
  await setRound(whole, 1);
  await using first = await startTurnstile(fresh.url);
  await boot(first.url, [whole]);
  const places = listPlaces(first);
  expect(first.requests.filter((sql) => sql.includes('INSERT INTO runs'))).toHaveLength(2);

  const shops = await Promise.all(places.map((_, index) => makeCountingShop(`shop-${index}`)));
  await boot(fresh.url, shops);
  await Promise.all(shops.map((shop) => setRound(shop, 1)));
  const stood = await killBoots(
    fresh.url,
    shops.map(({ plugin, folder, views }, index) => ({
      place: places[index] as StopPlace,
      plugin: { id: plugin.id, migrations: folder, repeatable: views },
    })),
  );

  await boot(fresh.url, shops);
  const pool = fresh.pool();
  const expected = await readCatalog(pool, 'plugin_whole');
  expect(expected.filter((line) => line.startsWith('row of __drizzle_migrations'))).toHaveLength(3);
  expect(expected.filter((line) => line.startsWith('row of runs'))).toHaveLength(4);
  for (const [index, place] of stood.entries()) {
    const catalog = await readCatalog(pool, `plugin_shop-${index}`);
    expect(catalog, place).toEqual(expected);
  }
});
