import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startTurnstile } from './turnstile.ts';

test('a server that resets the connection resets that of the client', async () => {
  // A PostgreSQL that crashes does so only now and then: when a request has arrived that it has not read.
  const crashing = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await once(crashing.listen(0, '127.0.0.1'), 'listening');
  const { port } = crashing.address() as AddressInfo;
  await using turnstile = await startTurnstile(`postgres://someone@127.0.0.1:${port}/any`);
  const client = new Client({ connectionString: turnstile.url });
  client.on('error', () => undefined);
  await expect(client.connect()).rejects.toMatchObject({ code: 'ECONNRESET' });
  crashing.close();
});
