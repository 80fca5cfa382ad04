import { describe, expect, it } from 'vitest';
import { collectionRef, createBoot, definePlugin, provide, serviceRef } from '../../src/index.ts';
import { useDatabase } from '../support/database.ts';
import { recordEvents } from '../support/event-recorder.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();

interface Items {
  all(): Promise<readonly string[]>;
}
const itemsApi = serviceRef<Items>('catalog.items');
const indexers = collectionRef<string>('search.indexers');
const shopName = serviceRef<string>('host.name');

describe('a boot', () => {
  it('migrates every plugin, then starts them by dependency, and stops them in reverse', async () => {
    const { url } = await db.fresh();
    const did: string[] = [];
    const catalog = definePlugin({
      id: 'catalog',
      migrations: await migrationFolder({
        '0000_init': 'CREATE TABLE items (name text);',
        '0001_fill': "INSERT INTO items VALUES ('boat'), ('oar');",
      }),
      provides: { itemsApi, indexers },
      async init({ database, onStop }) {
        did.push('init catalog');
        onStop(() => void did.push('stop catalog'));
        return {
          itemsApi: {
            async all() {
              const { rows } = await database.query<{ name: string }>('SELECT name FROM items');
              return rows.map(({ name }) => name);
            },
          },
          indexers: 'items',
        };
      },
    });
    const orders = definePlugin({
      id: 'orders',
      migrations: await migrationFolder({ '0000_init': 'CREATE TABLE orders (id serial);' }),
      deps: {
        items: itemsApi,
        all: indexers,
        name: shopName,
        absent: serviceRef<string>('no').optional(),
      },
      init({ items, all, name, absent, onStop }) {
        did.push(`init orders of ${name} with ${all.join()} and ${absent}`);
        onStop(() => void did.push('stop orders'));
        void items;
      },
      async ready({ items }) {
        did.push(`ready orders: ${(await items.all()).join()}`);
      },
    });
    const boot = createBoot({
      pool: url,
      plugins: [orders, catalog],
      services: [provide(shopName, ({ plugin }) => `the shop of ${plugin}`)],
    });
    const recording = recordEvents(boot);

    const report = await boot.start();
    expect(report).toMatchObject({
      outcome: 'ready',
      plugins: [
        { id: 'catalog', schema: 'plugin_catalog', applied: ['0000_init.sql', '0001_fill.sql'] },
        { id: 'orders', applied: ['0000_init.sql'], migrate: { outcome: 'done' } },
      ],
    });
    expect(await boot.services.get(itemsApi).all()).toEqual(['boat', 'oar']);
    expect(boot.services.get(indexers)).toEqual(['items']);
    expect(boot.state()).toMatchObject({ phase: 'ready', plugins: { orders: { ready: 'done' } } });

    await boot.stop('the test is over');
    expect(did).toEqual([
      'init catalog',
      'init orders of the shop of orders with items and undefined',
      'ready orders: boat,oar',
      'stop orders',
      'stop catalog',
    ]);
    expect(boot.state().phase).toBe('stopped');
    recording.check();
  });
});
