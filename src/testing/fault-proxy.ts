import { connect, type Socket } from 'node:net';
import { toMilliseconds, type Duration } from '../core/duration.ts';
import { pipeDelayed, type Link } from './delayed-pipe.ts';
import { listenInFront } from './listen-in-front.ts';

/** The options of {@link startFaultProxy}. */
export interface FaultProxyOptions {
  /** The server: its connection string, or what `startPostgres()` and `createTemplateDatabase()` give. */
  readonly to: string | { readonly url: string };
  /**
   * The time that the proxy adds to a round trip. In ms, or a string such as `'40ms'`. `delay()` changes it.
   *
   * @default 0
   */
  readonly delay?: Duration;
  /**
   * Called with all that a client sends, before it is passed on, and with the number of its connection. Counts from 1.
   *
   * @default none
   * @example onSend: (bytes) => bytes.includes('COMMIT') && proxy.reset()
   */
  readonly onSend?: (bytes: Buffer, connection: number) => void;
}

/** A TCP proxy in front of PostgreSQL, on a free port of 127.0.0.1. */
export interface FaultProxy extends AsyncDisposable {
  /** The connection string of the server, through the proxy. */
  readonly url: string;
  readonly port: number;
  /** The connections of clients: those that are open, and all that were accepted. */
  readonly connections: { readonly open: number; readonly accepted: number };
  /** The bytes that clients have sent, and those that the server has answered. */
  readonly bytes: { readonly sent: number; readonly received: number };
  /** Makes each round trip take so much longer, half of it in each direction. 0 ends it. */
  delay(roundTrip: Duration): void;
  /** Cuts every connection with a TCP reset on both sides. New connections are accepted. */
  reset(): void;
  /** Holds back all data in both directions, without an error. New connections hang too. */
  blackHole(): void;
  /** Refuses new connections (`ECONNREFUSED`). Those that are open stay: `reset()` cuts them. */
  refuse(): void;
  /** Ends the black hole and the refusal. Data that waited in the black hole is delivered. */
  restore(): Promise<void>;
  /** Cuts every connection and stops listening. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a TCP proxy in front of PostgreSQL, with the faults of a network: delay, reset, black hole, refusal. It does not look
 * into the data, so TLS works through it, but not the check of the server's name (`sslmode=verify-full`).
 *
 * @throws TypeError for a connection string without a TCP address; BootError `OPTIONS_INVALID` for a wrong delay
 * @example
 * await using proxy = await startFaultProxy({ to: postgres });
 * const boot = createBoot({ pool: proxy.url, plugins });
 * proxy.blackHole();
 */
export async function startFaultProxy({
  to,
  delay = 0,
  onSend,
}: FaultProxyOptions): Promise<FaultProxy> {
  const { target, host, port } = readTarget(to);
  const link: Link = { delayMs: halveRoundTrip(delay), isHeld: false };
  const sockets = new Set<Socket>();
  const deliveries = new Set<() => void>();
  const connections = { open: 0, accepted: 0 };
  const bytes = { sent: 0, received: 0 };

  const join = (client: Socket): void => {
    connections.open += 1;
    connections.accepted += 1;
    const number = connections.accepted;
    const server = connect(port, host);
    client.on('data', (chunk: Buffer) => {
      bytes.sent += chunk.length;
      onSend?.(chunk, number);
    });
    server.on('data', (chunk: Buffer) => {
      bytes.received += chunk.length;
    });
    const pipes = [pipeDelayed(client, server, link), pipeDelayed(server, client, link)];
    for (const deliver of pipes) deliveries.add(deliver);
    client.on('close', () => {
      connections.open -= 1;
    });
    for (const socket of [client, server]) {
      // Small messages must not be held back to be joined, or the proxy adds more than its delay.
      socket.setNoDelay(true);
      socket.on('error', () => undefined); // 'close' follows, and the pipe closes the other side
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        if (client.destroyed && server.destroyed) {
          for (const deliver of pipes) deliveries.delete(deliver);
        }
      });
    }
  };
  const listener = await listenInFront(target, join);
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const close = async (): Promise<void> => {
    const closed = listener.close();
    reset();
    await closed;
  };
  return {
    url: listener.url,
    port: listener.port,
    connections,
    bytes,
    delay: (roundTrip) => {
      link.delayMs = halveRoundTrip(roundTrip);
    },
    reset,
    blackHole: () => {
      link.isHeld = true;
    },
    refuse: () => listener.refuse(),
    restore: async () => {
      link.isHeld = false;
      for (const deliver of deliveries) deliver();
      await listener.accept();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Returns half a round trip: the delay in each direction. */
function halveRoundTrip(roundTrip: Duration): number {
  return toMilliseconds(roundTrip, 'the delay of the proxy') / 2;
}

function readTarget(to: FaultProxyOptions['to']): {
  readonly target: string;
  readonly host: string;
  readonly port: number;
} {
  const target = typeof to === 'string' ? to : to.url;
  // The address itself stays out of the message: it may hold a password.
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (!url?.hostname || url.searchParams.has('host')) {
    throw new TypeError(
      'Expected the server of a fault proxy to be an address like postgres://user@host:5432/name',
    );
  }
  return {
    target,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 5432),
  };
}
