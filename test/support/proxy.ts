import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { pipeDelayed } from './delayed-pipe.ts';
import type { Link } from './delayed-pipe.ts';
import { listenInFront } from './loopback.ts';
import { StatementReader } from './wire-statements.ts';

/** A TCP proxy in front of PostgreSQL. */
export interface Proxy {
  /** The connection string of the target, through the proxy. */
  readonly url: string;
  readonly port: number;
  /** The text of every statement that all connections have sent so far, in the order of arrival. */
  readonly statements: readonly string[];
  /** The name of every statement that has been prepared, which is empty for an unnamed one. */
  readonly prepared: readonly string[];
  /** Returns the number of open connections to the proxy. */
  readonly openCount: () => number;
  /** Clears the list of statements. */
  forgetStatements(): void;
  /** Cuts every connection with a TCP reset. New connections are accepted. */
  reset(): void;
  /** Holds back all data, in both directions, without an error. New connections hang too. */
  blackhole(): void;
  /** Ends the black hole, and delivers the data that waited in it. */
  resume(): void;
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The options of {@link startProxy}. */
export interface ProxyOptions {
  /**
   * The delay of each byte in each direction, in ms. A round trip takes twice as long.
   *
   * @default 0
   */
  readonly delayMs?: number;
}

/** Starts a proxy on a free loopback port in front of the server of a connection string. */
export async function startProxy(
  target: string,
  { delayMs = 0 }: ProxyOptions = {},
): Promise<Proxy> {
  const { hostname, port: targetPort } = new URL(target);
  const link: Link = { delayMs, isHeld: false };
  const sockets = new Set<Socket>();
  const deliveries = new Set<() => void>();
  const statements: string[] = [];
  const prepared: string[] = [];

  const join = (client: Socket): void => {
    const server = connect(Number(targetPort || 5432), hostname);
    const reader = new StatementReader(
      (sql) => statements.push(sql),
      (name) => prepared.push(name),
    );
    client.on('data', (chunk: Buffer) => reader.push(chunk));
    const pipes = [pipeDelayed(client, server, link), pipeDelayed(server, client, link)];
    for (const deliver of pipes) deliveries.add(deliver);
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
  const server = await listenInFront(target, join);
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const close = async (): Promise<void> => {
    const closed = server.close();
    reset();
    await closed;
  };
  return {
    url: server.url,
    port: server.port,
    statements,
    prepared,
    // Each connection has two sockets.
    openCount: () => Math.ceil(sockets.size / 2),
    forgetStatements: () => {
      statements.length = 0;
    },
    reset,
    blackhole: () => {
      link.isHeld = true;
    },
    resume: () => {
      link.isHeld = false;
      for (const deliver of deliveries) deliver();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
