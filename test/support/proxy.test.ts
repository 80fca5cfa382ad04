import { Client } from 'pg';
import { expect, test } from 'vitest';
import { useDatabase } from './database.ts';
import { startProxy } from './proxy.ts';

const db = useDatabase();

test('statements are counted on the wire, simple and prepared, over all connections', async () => {
  await using proxy = await startProxy(db.url);
  const a = await open(proxy.url);
  const b = await open(proxy.url);
  expect(proxy.statements).toEqual([]);
  await a.query('select 1');
  await b.query('select $1::int', [2]);
  await b.query({ name: 'three', text: 'select 3' });
  await b.query({ name: 'three', text: 'select 3' });
  expect(proxy.statements).toEqual(['select 1', 'select $1::int', 'select 3', 'select 3']);
  proxy.forgetStatements();
  await a.query('select 4');
  expect(proxy.statements).toEqual(['select 4']);
  await Promise.all([a.end(), b.end()]);
});

test('a reset cuts every connection, and new ones are let in', async () => {
  await using proxy = await startProxy(db.url);
  const client = await open(proxy.url);
  // Without it, the server would not check the connection before the statement has ended.
  await client.query('set client_connection_check_interval = 100');
  proxy.forgetStatements();
  const cut = new Promise((resolve) => {
    client.once('end', resolve);
  });
  const answer = client.query('select pg_sleep(60)').catch((error: unknown) => error);
  await expect.poll(() => proxy.statements).toHaveLength(1);
  proxy.reset();
  expect(await answer).toMatchObject({ code: 'ECONNRESET' });
  await cut;
  const next = await open(proxy.url);
  expect((await next.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await next.end();
});

test('a black hole holds everything back until it ends, connections too', async () => {
  await using proxy = await startProxy(db.url);
  const client = await open(proxy.url);
  proxy.blackHole();
  const settled: string[] = [];
  const query = client.query('select 1').then(() => settled.push('query'));
  const late = open(proxy.url);
  const connected = late.then(() => settled.push('connection'));
  await expect.poll(() => proxy.statements).toHaveLength(1);
  // After a whole exchange with the same server, outside of the proxy, still nothing came through the proxy.
  await db.query('select 1');
  expect(settled).toEqual([]);
  await proxy.restore();
  await Promise.all([query, connected]);
  expect(settled.toSorted()).toEqual(['connection', 'query']);
  await Promise.all([client.end(), late.then((opened) => opened.end())]);
});

test('a delay is there in both directions', async () => {
  const delayMs = 40;
  await using proxy = await startProxy(db.url, { delay: 2 * delayMs });
  const client = await open(proxy.url);
  const startedAt = performance.now();
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  // A slow machine cannot go below this minimum. It is 1 ms less, because timers round.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(2 * delayMs - 1);
  await client.end();
});

async function open(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
