import { Client } from 'pg';
import { createBoot } from 'slipway';
import { controllablePlugin, startFaultProxy } from 'slipway/testing';
import { expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

async function open(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

test('a boot starts through a proxy, and fails at one that refuses', async () => {
  await using proxy = await startFaultProxy({ to: db });
  const plugins = [controllablePlugin('a', { migrations: [{ name: '0001', run() {} }] }).plugin];
  const boot = createBoot({ pool: proxy.url, plugins });
  await boot.start();
  await boot.stop();
  proxy.refuse();
  const refused = createBoot({ pool: proxy.url, plugins, connect: { wait: 0 } });
  await expect(refused.start()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
});

test('a refusal lets open connections live, and ends on the same port', async () => {
  await using proxy = await startFaultProxy({ to: db.url });
  const client = await open(proxy.url);
  proxy.refuse();
  await expect(open(proxy.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await Promise.all([proxy.restore(), proxy.restore()]);
  const later = await open(proxy.url);
  await Promise.all([client.end(), later.end()]);
  expect(new URL(proxy.url).port).toBe(String(proxy.port));
});

test('connections and bytes are counted', async () => {
  await using proxy = await startFaultProxy({ to: db.url });
  const client = await open(proxy.url);
  expect(proxy.connections).toEqual({ open: 1, accepted: 1 });
  const { sent, received } = proxy.bytes;
  await client.query(`select repeat('x', 1000)`);
  // A Query message has five bytes before its text and one behind it.
  expect(proxy.bytes.sent - sent).toBe(6 + `select repeat('x', 1000)`.length);
  expect(proxy.bytes.received - received).toBeGreaterThan(1000);
  await client.end();
  await expect.poll(() => proxy.connections.open).toBe(0);
  await (await open(proxy.url)).end();
  expect(proxy.connections.accepted).toBe(2);
});

test('a fault comes at the very statement that a test chooses, before the server gets it', async () => {
  await using proxy = await startFaultProxy({
    to: db.url,
    onSend: (bytes) => bytes.includes('insert') && proxy.reset(),
  });
  await db.query('create table t (x int)');
  const client = await open(proxy.url);
  await client.query('select 1');
  await expect(client.query('insert into t values (1)')).rejects.toMatchObject({
    code: 'ECONNRESET',
  });
  expect((await db.query('select from t')).rows).toEqual([]);
  await db.query('drop table t');
});

test('a delay is that of a round trip, and can be changed', async () => {
  await using proxy = await startFaultProxy({ to: db.url, delay: '1ms' });
  const client = await open(proxy.url);
  proxy.delay(80);
  const startedAt = performance.now();
  await client.query('select 1');
  // A slow machine cannot go below this minimum. It is 1 ms less, because timers round.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
  proxy.delay(0);
  await client.end();
});

test.each(['postgres:///name?host=/tmp', 'not an address'])(
  'the server has to have a TCP address: %s',
  async (to) => {
    await expect(startFaultProxy({ to })).rejects.toThrow('postgres://user@host:5432/name');
  },
);
