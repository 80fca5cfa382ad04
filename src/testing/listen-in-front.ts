import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/** A TCP server in front of another server. */
export interface LoopbackServer {
  readonly port: number;
  /** The connection string of the target, through this server. */
  readonly url: string;
  /** Refuses new connections from now on. Those that are open stay. */
  refuse(): void;
  /** Accepts connections again, on the same port. */
  accept(): Promise<void>;
  /** Accepts no new connection, and resolves when every connection has ended. */
  close(): Promise<void>;
}

/** Listens on a free loopback port in front of the server of a connection string. */
export async function listenInFront(
  target: string,
  join: (client: Socket) => void,
): Promise<LoopbackServer> {
  const first = await listen(0, join);
  const { port } = first.address() as AddressInfo;
  let listener: Server | undefined = first;
  let next: Promise<Server> | undefined;
  const closing: Promise<unknown>[] = [];
  const refuse = (): void => {
    if (!listener) return;
    closing.push(once(listener, 'close'));
    listener.close();
    listener = undefined;
  };
  const url = new URL(target);
  url.hostname = HOST;
  url.port = String(port);
  return {
    port,
    url: url.href,
    refuse,
    accept: async () => {
      if (listener) return;
      // Two calls at once begin to listen once.
      next ??= listen(port, join).finally(() => (next = undefined));
      listener = await next;
    },
    close: async () => {
      refuse();
      await Promise.all(closing);
    },
  };
}

async function listen(port: number, join: (client: Socket) => void): Promise<Server> {
  const listener = createServer({ allowHalfOpen: true }, join).listen(port, HOST);
  await once(listener, 'listening');
  return listener;
}
