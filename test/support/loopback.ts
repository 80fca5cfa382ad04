import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** A TCP server in front of another server. */
export interface LoopbackServer {
  readonly port: number;
  /** The connection string of the target, through this server. */
  readonly url: string;
  /** Accepts no new connection, and resolves when every connection has ended. */
  close(): Promise<void>;
}

/** Listens on a free loopback port in front of the server of a connection string. */
export async function listenInFront(
  target: string,
  join: (client: Socket) => void,
): Promise<LoopbackServer> {
  const listener = createServer({ allowHalfOpen: true }, join).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  const close = async (): Promise<void> => {
    const closed = once(listener, 'close');
    listener.close();
    await closed;
  };
  return { port: address.port, url: url.href, close };
}
