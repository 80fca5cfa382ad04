import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A server that accepts every connection and never says a word. */
export interface SilentServer {
  readonly url: string;
  readonly port: number;
  /** Resolves when the first connection is there. */
  readonly connected: Promise<unknown>;
  /** How many connections are open now. */
  readonly openCount: () => number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts one on a free loopback port. */
export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    // Without a reader the end of the other side would not be noticed.
    socket.resume();
  });
  const connected = once(server, 'connection');
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await once(server.close(), 'close');
  };
  return {
    url: `postgres://postgres@127.0.0.1:${port}/silent`,
    port,
    connected,
    openCount: () => sockets.size,
    close,
    [Symbol.asyncDispose]: close,
  };
}
