import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertReplicasSafe, assertUpgradeSafe, startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { catalog as catalog1 } from './catalog-1.ts';
import { catalog } from './catalog.ts';

let server: PostgresServer;

before(async () => {
  server = await startPostgres({ from: 'local' });
});

after(() => server.stop());

test('replicas may boot at once, and any of them may be killed', async () => {
  const { rounds } = await assertReplicasSafe({ plugins: [catalog], server });
  assert.equal(rounds.length, 5);
});

test('so may replicas that are processes', async () => {
  const modules = [new URL('./catalog.ts', import.meta.url)];
  await assertReplicasSafe({ modules, server, kills: 1 });
});

test('the new release may be rolled out over the old one', async () => {
  await assertUpgradeSafe({
    from: [catalog1],
    to: [catalog],
    server,
    // What the old release does with its table, while the new one boots and afterwards.
    work: (old) => old.database('catalog').query('SELECT sku, title FROM items'),
    check: async (next) => {
      const { rows } = await next
        .database('catalog')
        .query('SELECT sku FROM items WHERE price = 0');
      assert.equal(rows.length, 4); // three that were generated, and the gift
    },
  });
});
