import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { definePlugin, serviceRef } from 'slipway';
import type { Plugin } from 'slipway';
import { addToShop } from './situation.ts';
import type { Situation } from './situation.ts';

/** Publishes a message to other backends. */
const brokerApi = serviceRef<(message: string) => void>('broker.api');

/** Connects to a message broker, and waits for its greeting, as clients of AMQP do. */
function createBroker(port: number): Plugin {
  return definePlugin({
    id: 'broker',
    version: '0.3.0',
    provides: { api: brokerApi },
    // Ten times as long as the default. Until then a broker that does not answer looks like one that is slow.
    timeouts: { init: '10m' },
    async init({ signal, onStop }) {
      const socket = connect(port, '127.0.0.1');
      onStop(() => void socket.destroy());
      await once(socket, 'data', { signal });
      return { api: (message) => socket.write(`${message}\n`) };
    },
  });
}

export const hang: Situation = {
  says: 'The init of broker waits for a server that never answers.',
  async play(_, boot) {
    await using silent = await listenInSilence();
    await boot(addToShop(createBroker(silent.port), brokerApi, 'notifications'));
  },
};

async function listenInSilence(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
