import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A server that accepts every connection and never answers. */
export interface SilentServer {
  readonly url: string;
  readonly port: number;
  /** Resolves when the first client has connected. */
  readonly connected: Promise<unknown>;
  /** Returns the number of open connections. */
  readonly openCount: () => number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a silent server on a free loopback port. */
export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    // Without a reader, the socket would not notice that the other side has ended.
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
